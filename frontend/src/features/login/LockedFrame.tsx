import { useLinkClickHandler } from "react-router";
import { useLogin } from "../../lib/auth";
import { ContactSupport } from "../../lib/ContactSupport";
import { BACKUP_CODE_PATH } from "../../lib/steps";
import { useSecondsLeft } from "../../lib/useSecondsLeft";
import { Button } from "../../ui/Button";
import { ButtonLink } from "../../ui/ButtonLink";
import { Countdown } from "../../ui/Countdown";
import styles from "./LockedFrame.module.css";
import { StepFrame } from "./StepFrame";
import { useHasExpired } from "./useLock";

interface LockedFrameProps {
  /** Shows the form for two codes in a row. */
  onPair?: (() => void) | undefined;
}

/** A lock is only for single codes: the page counts down, continues by itself, and offers the factors that work now. */
export function LockedFrame({ onPair }: LockedFrameProps) {
  const { guarded, unlocksAt } = useLogin();
  const seconds = useSecondsLeft(unlocksAt);
  return (
    <StepFrame
      outlastsLogin
      focusTitle
      title="Account locked"
      lead={
        <p>
          Too many wrong codes. You can try {guarded ? "two codes" : "one code"} again when the time
          is up. This page then continues by itself.
        </p>
      }
    >
      {unlocksAt && <Countdown seconds={seconds} until={unlocksAt} />}
      <WaysIn onPair={onPair} />
      <p>
        If this was not you, someone knows your password.
        <ContactSupport />
      </p>
    </StepFrame>
  );
}

function WaysIn({ onPair }: LockedFrameProps) {
  const { factors, guarded } = useLogin();
  const hasExpired = useHasExpired();
  const openBackupCode = useLinkClickHandler<HTMLAnchorElement>(BACKUP_CODE_PATH);
  // On a guarded account, the wait is for two codes in a row.
  const takesPair = onPair && !guarded && factors.includes("totp");
  const takesBackupCode = factors.includes("backup_codes");

  if (!takesPair && !takesBackupCode) return null;
  if (hasExpired) return <p>To get in now, go back to sign-in and enter your password again.</p>;
  return (
    <div className={styles.ways}>
      <p>You can also get in now:</p>
      {takesPair && (
        <Button look="primary" onClick={onPair}>
          Enter two codes in a row
        </Button>
      )}
      {takesBackupCode && (
        <ButtonLink href={BACKUP_CODE_PATH} onClick={openBackupCode}>
          Use a backup code
        </ButtonLink>
      )}
    </div>
  );
}
