import { useAuth } from "../../lib/auth";
import { ProblemText } from "../../lib/ProblemText";
import { useAttempt } from "../../lib/useAttempt";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";

export function SignOut() {
  const { signOut } = useAuth();
  const { run, busy, problem } = useAttempt(signOut);
  return (
    <>
      {problem && (
        <Alert tone="danger">
          <ProblemText problem={problem} />
        </Alert>
      )}
      <Button busy={busy} onClick={() => run()}>
        Sign out
      </Button>
    </>
  );
}
