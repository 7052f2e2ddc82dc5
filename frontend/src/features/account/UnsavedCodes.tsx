import { useState } from "react";
import type { User } from "../../lib/api";
import { useAuth } from "../../lib/auth";
import { ProblemText } from "../../lib/ProblemText";
import { useAttempt } from "../../lib/useAttempt";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import { useStepUp } from "./StepUp";
import styles from "./UnsavedCodes.module.css";

/** Says that the backup codes shown last were not acknowledged as saved, and offers new ones. */
export function UnsavedCodes({ user }: { user: User }) {
  const { codesSaved, renewCodes } = useAuth();
  const [confirmed, setConfirmed] = useState(false);
  const saved = useAttempt(async () => {
    await codesSaved();
    setConfirmed(true);
  });
  const renewal = useStepUp(renewCodes);
  const problem = renewal.problem ?? saved.problem;

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
      {problem && (
        <Alert tone="danger">
          <ProblemText problem={problem} />
        </Alert>
      )}
      <Button look="primary" busy={renewal.busy} onClick={() => renewal.run()}>
        Show new codes
      </Button>
      <Button busy={saved.busy} onClick={() => saved.run()}>
        I have saved them
      </Button>
      {renewal.dialog}
    </div>
  );
}
