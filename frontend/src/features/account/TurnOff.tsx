import { api } from "../../lib/api";
import { useAuth } from "../../lib/auth";
import { ProblemText } from "../../lib/ProblemText";
import { useServerData } from "../../lib/useServerData";
import { Alert } from "../../ui/Alert";
import { Confirm } from "../../ui/Confirm";
import { useStepUp } from "./StepUp";

/** Turns the second step off, where not everyone needs one. */
export function TurnOff() {
  const { turnOffAuthenticator } = useAuth();
  const { data: me } = useServerData(api.me);
  const { run, dialog, problem } = useStepUp(turnOffAuthenticator);
  if (!me || me.mfa_required) return null;
  return (
    <section>
      <p>
        The second step is optional here. Without it, anyone who learns your password can sign in as
        you. Your backup codes also stop working.
      </p>
      {problem && (
        <Alert tone="danger">
          <ProblemText problem={problem} />
        </Alert>
      )}
      <Confirm
        label="Turn off the second step"
        question="Turn off the second step?"
        onConfirm={() => void run()}
      />
      {dialog}
    </section>
  );
}
