import { useAuth, useLogin } from "../../lib/auth";
import { Button } from "../../ui/Button";
import styles from "./Identity.module.css";

/** Whose sign-in this is, and a way out for anyone else. */
export function Identity() {
  const { cancel } = useAuth();
  const { email } = useLogin();
  return (
    <div className={styles.identity}>
      <span className={styles.email}>{email}</span>
      <Button look="link" onClick={() => cancel("someone_else")}>
        Not you?
      </Button>
    </div>
  );
}
