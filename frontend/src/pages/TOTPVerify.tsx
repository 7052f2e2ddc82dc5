import { useState } from "react";
import { Link } from "react-router";
import { LockedFrame } from "../features/login/LockedFrame";
import { StepFrame } from "../features/login/StepFrame";
import { useHasEnded, useLockBegins } from "../features/login/useLock";
import { PairForm } from "../features/totp/PairForm";
import { TotpForm } from "../features/totp/TotpForm";
import { useLogin } from "../lib/auth";
import { BACKUP_CODE_PATH } from "../lib/steps";
import { Button } from "../ui/Button";
import styles from "./links.module.css";

export default function TOTPVerify() {
  const { factors, guarded, unlocksAt } = useLogin();
  // Chosen during a lock, and kept when it ends, so that half-typed codes stay.
  const [wantsPair, setWantsPair] = useState(false);
  useLockBegins(() => setWantsPair(false));
  const hasEnded = useHasEnded();
  const isLocked = unlocksAt !== null;

  if (isLocked && (guarded || hasEnded || !wantsPair)) {
    return <LockedFrame onPair={() => setWantsPair(true)} />;
  }
  const asksPair = guarded || wantsPair;
  return (
    <StepFrame
      title={asksPair ? "Enter two codes in a row" : "Enter your code"}
      lead={asksPair && <WhyTwo />}
      footer={
        wantsPair && !guarded ? (
          <Button look="link" onClick={() => setWantsPair(false)}>
            {isLocked ? "Wait instead" : "Enter one code instead"}
          </Button>
        ) : (
          factors.includes("backup_codes") && (
            <Link replace to={BACKUP_CODE_PATH} className={styles.link}>
              Use a backup code
            </Link>
          )
        )
      }
    >
      {asksPair ? <PairForm /> : <TotpForm />}
    </StepFrame>
  );
}

function WhyTwo() {
  const { factors, guarded } = useLogin();
  if (!guarded) return <p>Two codes in a row show that it is you, so you do not have to wait.</p>;
  return (
    <p>
      This account has seen many wrong codes. To be sure it is you, we ask for two codes that follow
      each other{factors.includes("backup_codes") && ", or for a backup code"}.
    </p>
  );
}
