import { useAuth } from "../../lib/auth";
import { ProblemText } from "../../lib/ProblemText";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import styles from "./Section.module.css";
import { useStepUp } from "./StepUp";

/** Says how many codes are left, and replaces them all. */
export function NewCodes({ left }: { left: number }) {
  const { newCodes } = useAuth();
  const { run, dialog, busy, problem } = useStepUp(newCodes);
  return (
    <section aria-labelledby="new-codes" className={styles.section}>
      <h2 id="new-codes" className={styles.title}>
        {left} of 10 codes left
      </h2>
      <p>
        Get ten new codes if you have lost yours or used most of them. The old ones stop working at
        once.
      </p>
      {problem && (
        <Alert tone="danger">
          <ProblemText problem={problem} />
        </Alert>
      )}
      <Button look="primary" busy={busy} onClick={() => run()}>
        Get new codes
      </Button>
      {dialog}
    </section>
  );
}
