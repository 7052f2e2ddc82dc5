import { type ReactNode, useState } from "react";
import { ApiProblem, type SteppedUp } from "../../lib/api";
import { useAuth } from "../../lib/auth";
import { ContactSupport } from "../../lib/ContactSupport";
import { useDeadline } from "../../lib/useDeadline";
import { useSecondsLeft } from "../../lib/useSecondsLeft";
import { Button } from "../../ui/Button";
import { Countdown } from "../../ui/Countdown";
import { Dialog } from "../../ui/Dialog";
import { StepUpForm, type Way } from "./StepUpForms";

interface StepUpDialogProps {
  /** Only a code from the app will do. */
  appOnly?: boolean;
  onVerified(): void;
  onCancel(): void;
}

/** Asks someone who is signed in to confirm that it is them, with the strongest factor they have. */
export function StepUpDialog({ appOnly = false, onVerified, onCancel }: StepUpDialogProps) {
  const { state, userChanged } = useAuth();
  const [chosen, setWay] = useState<Way>("code");
  const [guarded, setGuarded] = useState(false);
  const [lockedUntil, setLockedUntil] = useState<number | null>(null);
  useDeadline(lockedUntil, () => setLockedUntil(null));
  if (state.at !== "signed_in") return null;

  const { mfa_enabled: hasFactor, backup_codes_left: codesLeft } = state.user;
  const way = hasFactor ? chosen : "password";
  const lead = appOnly && way === "code" ? APP_ONLY : LEADS[way];
  const isLocked = lockedUntil !== null && (way === "code" || (way === "pair" && guarded));

  const verify = async (response: Promise<SteppedUp>) => {
    try {
      userChanged((await response).user);
    } catch (fault) {
      if (fault instanceof ApiProblem) note(fault);
      throw fault;
    }
    onVerified();
  };
  const note = ({ code, retryAt }: ApiProblem) => {
    if (code === "account_locked") setLockedUntil(retryAt);
    if (code === "guarded") {
      setGuarded(true);
      setWay("pair");
    }
  };

  return (
    <Dialog
      title={isLocked ? "Account locked" : "Confirm that it is you"}
      lead={isLocked ? <LockReason guarded={guarded} /> : lead}
      onCancel={onCancel}
      footer={
        <>
          <OtherWay
            way={way}
            hasCodes={codesLeft > 0 && !appOnly}
            guarded={guarded}
            onChange={setWay}
          />
          <Button look="link" onClick={onCancel}>
            Cancel
          </Button>
        </>
      }
    >
      {isLocked ? (
        <Locked until={lockedUntil} onPair={guarded ? undefined : () => setWay("pair")} />
      ) : (
        <StepUpForm key={way} way={way} verify={verify} />
      )}
    </Dialog>
  );
}

const LEADS: Record<Way, ReactNode> = {
  code: <p>Enter the code from your app to continue.</p>,
  pair: <p>Two codes in a row show that it is you, even after many wrong codes.</p>,
  backup: <p>Enter your password and one of your backup codes. Each code works once.</p>,
  password: <p>Enter your password to continue.</p>,
};

const APP_ONLY = <p>A backup code is not enough for this. Enter a code from your app.</p>;

function LockReason({ guarded }: { guarded: boolean }) {
  return (
    <p>
      Too many wrong codes. You can try {guarded ? "two codes" : "one code"} again when the time is
      up.
    </p>
  );
}

function Locked({ until, onPair }: { until: number; onPair?: (() => void) | undefined }) {
  const seconds = useSecondsLeft(until);
  return (
    <>
      <Countdown seconds={seconds} until={until} />
      {onPair && (
        <Button look="primary" onClick={onPair}>
          Enter two codes in a row
        </Button>
      )}
      <p>
        If you did not enter these codes, someone else may be using your account.
        <ContactSupport />
      </p>
    </>
  );
}

interface OtherWayProps {
  way: Way;
  hasCodes: boolean;
  guarded: boolean;
  onChange(way: Way): void;
}

function OtherWay({ way, hasCodes, guarded, onChange }: OtherWayProps) {
  if (way === "backup") {
    return (
      <Button look="link" onClick={() => onChange(guarded ? "pair" : "code")}>
        Use your app instead
      </Button>
    );
  }
  if (way === "password" || !hasCodes) return null;
  return (
    <Button look="link" onClick={() => onChange("backup")}>
      Use a backup code
    </Button>
  );
}
