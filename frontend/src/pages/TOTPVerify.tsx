import { Link } from "react-router";
import { LockedFrame } from "../features/login/LockedFrame";
import { StepFrame } from "../features/login/StepFrame";
import { GuardedForm } from "../features/totp/GuardedForm";
import { TotpForm } from "../features/totp/TotpForm";
import { useLogin } from "../lib/auth";
import { BACKUP_CODE_PATH } from "../lib/steps";
import styles from "./links.module.css";

export default function TOTPVerify() {
  const { guarded, unlocksAt } = useLogin();
  if (unlocksAt !== null) return <LockedFrame />;
  return (
    <StepFrame
      title={guarded ? "Enter two codes in a row" : "Enter your code"}
      lead={guarded && <Why />}
      footer={
        <Link replace to={BACKUP_CODE_PATH} className={styles.link}>
          Use a backup code
        </Link>
      }
    >
      {guarded ? <GuardedForm /> : <TotpForm />}
    </StepFrame>
  );
}

function Why() {
  return (
    <p>
      This account has seen many wrong codes. To be sure it is you, we ask for two codes that follow
      each other, or for a backup code.
    </p>
  );
}
