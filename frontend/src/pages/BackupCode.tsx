import { Link } from "react-router";
import { BackupCodeForm } from "../features/backupCodes/BackupCodeForm";
import { LockedFrame } from "../features/login/LockedFrame";
import { StepFrame } from "../features/login/StepFrame";
import { useLogin } from "../lib/auth";
import { STEP_PATH } from "../lib/steps";
import styles from "./links.module.css";

export default function BackupCode() {
  if (useLogin().unlocksAt !== null) return <LockedFrame />;
  return (
    <StepFrame
      title="Use a backup code"
      lead={
        <p>
          One of the ten codes you saved when you set up your authenticator app. Each works once.
        </p>
      }
      footer={
        <Link replace to={STEP_PATH.totp} className={styles.link}>
          Use your app instead
        </Link>
      }
    >
      <BackupCodeForm />
    </StepFrame>
  );
}
