import { useLinkClickHandler } from "react-router";
import { useLogin } from "../../lib/auth";
import { BACKUP_CODE_PATH } from "../../lib/steps";
import { useSecondsLeft } from "../../lib/useSecondsLeft";
import { Button } from "../../ui/Button";
import { ButtonLink } from "../../ui/ButtonLink";
import { Countdown } from "../../ui/Countdown";
import styles from "./LockedFrame.module.css";
import { StepFrame } from "./StepFrame";
import { useHasEnded } from "./useLock";

interface LockedFrameProps {
  /** Shows the form for two codes in a row. */
  onPair?: (() => void) | undefined;
}

/** Only single codes have to wait: the page counts down, opens by itself, and offers the ways in that work now. */
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
          is up; this page opens by itself.
        </p>
      }
    >
      {unlocksAt && <Countdown seconds={seconds} until={unlocksAt} />}
      <WaysIn onPair={onPair} />
      <p>If those tries were not yours, someone knows your password. Tell your administrator.</p>
    </StepFrame>
  );
}

function WaysIn({ onPair }: LockedFrameProps) {
  const { factors, guarded } = useLogin();
  const hasEnded = useHasEnded();
  const openBackupCode = useLinkClickHandler<HTMLAnchorElement>(BACKUP_CODE_PATH, {
    replace: true,
  });
  // On a guarded account, the wait is for two codes.
  const takesPair = onPair && !guarded && factors.includes("totp");
  const takesBackupCode = factors.includes("backup_codes");

  if (!takesPair && !takesBackupCode) return null;
  if (hasEnded) return <p>To get in now, go back to sign-in and enter your password again.</p>;
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
