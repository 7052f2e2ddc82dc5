import { useState } from "react";
import { ApiProblem, api } from "../../lib/api";
import { ProblemText } from "../../lib/ProblemText";
import { SIXTEEN_CHARACTERS } from "../../lib/useCodeForm";
import { useMarkedField } from "../../lib/useMarkedField";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import { Form } from "../../ui/Form";
import { LongCodeField } from "../../ui/LongCodeField";
import styles from "./Section.module.css";
import { useStepUp } from "./StepUp";

/** Checks whether a code still works, such as one on paper, without using it. */
export function CheckCode() {
  const [code, setCode] = useState("");
  const [works, setWorks] = useState(false);
  const { run, dialog, busy, problem } = useStepUp(async (typed: string) => {
    if (!SIXTEEN_CHARACTERS.isComplete(typed))
      throw new ApiProblem({ code: "incomplete", detail: SIXTEEN_CHARACTERS.message });
    await api.checkBackupCode(typed);
    setWorks(true);
  });
  const change = (typed: string) => {
    setCode(typed);
    setWorks(false);
  };

  return (
    <section aria-labelledby="check-code" className={styles.section}>
      <h2 id="check-code" className={styles.title}>
        Do your codes still work?
      </h2>
      <Form onSubmit={() => run(code)}>
        <LongCodeField
          id="code-to-check"
          label="One of your backup codes"
          hint="Checking a code does not use it up. A wrong code counts as a failed try, as when you sign in."
          autoFocus={false}
          value={code}
          onChange={change}
          field={useMarkedField(problem)}
          error={!busy && problem && <ProblemText problem={problem} />}
          readOnly={busy}
        />
        {works && <Alert>This code works. You can still use it once.</Alert>}
        <Button type="submit" busy={busy}>
          Check this code
        </Button>
      </Form>
      {dialog}
    </section>
  );
}
