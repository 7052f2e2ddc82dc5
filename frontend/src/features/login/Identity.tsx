import { useLogin } from "../../lib/auth";
import styles from "./Identity.module.css";

/** Whose sign-in this is. */
export function Identity() {
  const { email } = useLogin();
  return (
    <div className={styles.identity}>
      <span className={styles.email}>{email}</span>
    </div>
  );
}
