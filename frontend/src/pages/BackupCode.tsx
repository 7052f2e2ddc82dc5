import { Link, Navigate, useNavigate } from "react-router";
import { BackupCodeForm } from "../features/backupCodes/BackupCodeForm";
import { StepFrame } from "../features/login/StepFrame";
import { useHasEnded, useLockBegins } from "../features/login/useLock";
import { useLogin } from "../lib/auth";
import { STEP_PATH } from "../lib/steps";
import styles from "./links.module.css";

export default function BackupCode() {
  const { factors, unlocksAt } = useLogin();
  const navigate = useNavigate();
  const hasEnded = useHasEnded();
  const hasCodes = factors.includes("backup_codes");
  // One page shows every lock and links back here: a backup code does not have to wait.
  useLockBegins(() => navigate(STEP_PATH.totp, { replace: true }));

  if (unlocksAt !== null && hasEnded) return <Navigate replace to={STEP_PATH.totp} />;
  return (
    <StepFrame
      title="Use a backup code"
      focusTitle={!hasCodes}
      lead={
        <p>
          {hasCodes
            ? "One of the ten codes you saved when you set up your authenticator app. Each works once."
            : "You have no backup code left. Sign in with your app, and you get new ones."}
        </p>
      }
      footer={
        <Link replace to={STEP_PATH.totp} className={styles.link}>
          Use your app instead
        </Link>
      }
    >
      {hasCodes && <BackupCodeForm />}
    </StepFrame>
  );
}
