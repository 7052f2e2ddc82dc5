import { SaveCodes } from "../features/backupCodes/SaveCodes";
import { LockedFrame } from "../features/login/LockedFrame";
import { StepFrame } from "../features/login/StepFrame";
import { Enrollment } from "../features/totp/Enrollment";
import { useEnrollment } from "../features/totp/useEnrollment";
import { useAuth, useLogin } from "../lib/auth";
import type { WhyShown } from "../lib/authState";
import { Frame } from "../ui/Frame";

export default function MFAEnroll() {
  const { state } = useAuth();
  if (state.at !== "codes") return <Enroll />;
  return <Save account={state.user.email} codes={state.codes} why={state.why} />;
}

function Enroll() {
  const isLocked = useLogin().unlocksAt !== null;
  return isLocked ? <LockedFrame /> : <SetUp />;
}

function SetUp() {
  const setup = useEnrollment();
  return (
    <StepFrame
      wide
      focusTitle
      title="Set up your authenticator app"
      lead={<p>From now on, you sign in with your password and a code from an app.</p>}
    >
      <Enrollment setup={setup} />
    </StepFrame>
  );
}

interface SaveProps {
  account: string;
  codes: readonly string[];
  why: WhyShown;
}

const REASONS: Record<WhyShown, string> = {
  first: "",
  none_left: "You had no working backup codes left, so here are new ones.",
  not_saved: "These replace the codes that were not saved, which no longer work.",
  asked: "These replace your old codes, which no longer work.",
};

function Save({ account, codes, why }: SaveProps) {
  const { appName, codesSaved } = useAuth();
  return (
    <Frame
      focusTitle
      appName={appName}
      title="Save your backup codes"
      lead={
        <>
          {REASONS[why] && <p>{REASONS[why]}</p>}
          <p>
            If you lose your phone, each of these codes signs you in once. They are shown only once.
          </p>
        </>
      }
    >
      <SaveCodes app={appName} account={account} codes={codes} onContinue={codesSaved} />
    </Frame>
  );
}
