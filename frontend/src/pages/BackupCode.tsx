import { Link, Navigate, useNavigate } from "react-router";
import { BackupCodeForm } from "../features/backupCodes/BackupCodeForm";
import { StepFrame } from "../features/login/StepFrame";
import { useHasExpired, useLockBegins } from "../features/login/useLock";
import { useLogin } from "../lib/auth";
import { ContactSupport } from "../lib/ContactSupport";
import { STEP_PATH } from "../lib/steps";
import styles from "./links.module.css";

export default function BackupCode() {
  const { factors, unlocksAt } = useLogin();
  const navigate = useNavigate();
  const hasExpired = useHasExpired();
  const hasCodes = factors.includes("backup_codes");
  // One page shows all locks. It links back here, because a backup code does not have to wait.
  useLockBegins(() => navigate(STEP_PATH.totp, { replace: true }));

  if (unlocksAt !== null && hasExpired) return <Navigate replace to={STEP_PATH.totp} />;
  return (
    <StepFrame
      title="Use a backup code"
      focusTitle={!hasCodes}
      lead={
        hasCodes ? (
          <p>Enter one of the ten backup codes you saved. Each works once.</p>
        ) : (
          <p>
            You have no backup codes left. Sign in with your app to get new ones.
            <ContactSupport when=" If you have lost your phone" />
          </p>
        )
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
