import { useLogin } from "../../lib/auth";
import { useSecondsLeft } from "../../lib/useSecondsLeft";
import { Countdown } from "../../ui/Countdown";
import { StepFrame } from "./StepFrame";

/** Nothing to do but wait: it says for how long, why, and opens by itself. */
export function LockedFrame() {
  const { unlocksAt } = useLogin();
  const seconds = useSecondsLeft(unlocksAt);
  return (
    <StepFrame
      focusTitle
      title="Account locked"
      lead={
        <p>
          There were too many wrong codes in a row. You can try again when the time is up; this page
          opens by itself.
        </p>
      }
    >
      {unlocksAt && <Countdown seconds={seconds} until={unlocksAt} />}
      <p>If those tries were not yours, somebody knows your password. Tell your administrator.</p>
    </StepFrame>
  );
}
