import { useState } from "react";
import { Link } from "react-router";
import { LockedFrame } from "../features/login/LockedFrame";
import { StepFrame } from "../features/login/StepFrame";
import { useHasExpired, useLockBegins } from "../features/login/useLock";
import { PairForm } from "../features/totp/PairForm";
import { TotpForm } from "../features/totp/TotpForm";
import { useLogin } from "../lib/auth";
import { BACKUP_CODE_PATH } from "../lib/steps";
import { Button } from "../ui/Button";
import styles from "./links.module.css";

export default function TOTPVerify() {
  const { factors, guarded, unlocksAt } = useLogin();
  // Chosen during a lock, and kept when the lock ends so that half-typed codes are not lost.
  const [wantsPair, setWantsPair] = useState(false);
  useLockBegins(() => setWantsPair(false));
  const hasExpired = useHasExpired();
  const isLocked = unlocksAt !== null;

  if (isLocked && (guarded || hasExpired || !wantsPair)) {
    return <LockedFrame onPair={() => setWantsPair(true)} />;
  }
  const needsPair = guarded || wantsPair;
  return (
    <StepFrame
      title={needsPair ? "Enter two codes in a row" : "Enter your code"}
      lead={needsPair && <PairReason />}
      footer={
        wantsPair && !guarded ? (
          <Button look="link" onClick={() => setWantsPair(false)}>
            {isLocked ? "Wait instead" : "Enter one code instead"}
          </Button>
        ) : (
          factors.includes("backup_codes") && (
            <Link to={BACKUP_CODE_PATH} className={styles.link}>
              Use a backup code
            </Link>
          )
        )
      }
    >
      {needsPair ? <PairForm /> : <TotpForm />}
    </StepFrame>
  );
}

function PairReason() {
  const { factors, guarded } = useLogin();
  if (!guarded) return <p>Two codes in a row show that it is you, so you do not have to wait.</p>;
  return (
    <p>
      There have been many wrong codes for this account. To show that it is you, enter two codes in
      a row
      {factors.includes("backup_codes") && ", or use a backup code"}.
    </p>
  );
}
