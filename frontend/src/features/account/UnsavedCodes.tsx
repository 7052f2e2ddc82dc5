import { useState } from "react";
import type { ApiProblem, User } from "../../lib/api";
import { useAuth } from "../../lib/auth";
import { ProblemText } from "../../lib/ProblemText";
import { useAttempt } from "../../lib/useAttempt";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import styles from "./UnsavedCodes.module.css";

/** Says that the backup codes shown last were not acknowledged as saved, and offers new ones. */
export function UnsavedCodes({ user }: { user: User }) {
  const { codesSaved } = useAuth();
  const [confirmed, setConfirmed] = useState(false);
  const { run, busy, problem } = useAttempt(async () => {
    await codesSaved();
    setConfirmed(true);
  });

  if (!user.backup_codes_unsaved)
    return (
      confirmed && <Alert>Keep your backup codes where you can find them without your phone.</Alert>
    );
  return (
    <div className={styles.unsaved}>
      <Alert tone="warning">
        <p>
          <strong>Did you save your backup codes?</strong> They were shown to you, but the page was
          closed before you continued.
        </p>
        <p>
          Without them and without your app, you cannot sign in. New codes replace the old ones.
        </p>
      </Alert>
      <NewCodes other={problem} />
      <Button busy={busy} onClick={() => run()}>
        I have saved them
      </Button>
    </div>
  );
}

/** Asks for new codes; someone who signed in a while ago has to sign in again first. */
function NewCodes({ other }: { other: ApiProblem | null }) {
  const { renewCodes, signOut } = useAuth();
  const { run, busy, problem } = useAttempt(renewCodes);
  const leave = useAttempt(signOut);
  const isOld = problem?.code === "step_up_required";
  const shown = leave.problem ?? problem ?? other;
  return (
    <>
      {shown && (
        <Alert tone="danger">
          <ProblemText problem={shown} />
        </Alert>
      )}
      {isOld ? (
        <Button look="primary" busy={leave.busy} onClick={() => leave.run()}>
          Sign in again
        </Button>
      ) : (
        <Button look="primary" busy={busy} onClick={() => run()}>
          Show new codes
        </Button>
      )}
    </>
  );
}
