import { useState } from "react";
import type { ApiProblem } from "../../lib/api";
import { useAuth } from "../../lib/auth";
import { ProblemText } from "../../lib/ProblemText";
import { useAttempt } from "../../lib/useAttempt";
import { SIX_DIGITS } from "../../lib/useCodeForm";
import { useMarkedField } from "../../lib/useMarkedField";
import { Button } from "../../ui/Button";
import { CodeField } from "../../ui/CodeField";
import { Form } from "../../ui/Form";
import { EntryHint } from "./EntryHint";

/** Two codes in a row: a guesser cannot get them, and the owner has them after half a minute. */
export function PairForm() {
  const { verifyTotpPair } = useAuth();
  const [older, setOlder] = useState("");
  const [newer, setNewer] = useState("");
  const { run, busy, slow, problem, refuse } = useAttempt(verifyTotpPair);
  const first = useMarkedField(problem);
  const second = useMarkedField(null);

  const submit = (last = newer) => {
    if (busy) return;
    if (SIX_DIGITS.isComplete(older) && SIX_DIGITS.isComplete(last)) void run(older, last);
    else refuse("Enter all six digits of both codes.");
  };

  return (
    <Form onSubmit={() => submit()} slow={slow}>
      <CodeField
        id="code-older"
        label="The code your app shows now"
        hint={<EntryHint />}
        value={older}
        onChange={setOlder}
        onComplete={() => {
          second.current?.focus();
          second.current?.select();
        }}
        error={problem && !busy ? <PairProblem problem={problem} /> : null}
        field={first}
        readOnly={busy}
        autoFocus
      />
      <CodeField
        id="code-newer"
        label="The next code"
        hint="Wait until your app shows a new one. This takes up to 30 seconds."
        value={newer}
        onChange={setNewer}
        onComplete={submit}
        field={second}
        readOnly={busy}
        autoComplete="off"
      />
      <Button type="submit" look="primary" busy={busy}>
        Sign in
      </Button>
    </Form>
  );
}

/** Two correct codes may still be a wrong pair, so the text also says what a pair must be. */
function PairProblem({ problem }: { problem: ApiProblem }) {
  if (problem.code !== "invalid_code") return <ProblemText problem={problem} />;
  return (
    <>
      <ProblemText problem={problem} /> Both codes must be new, one right after the other.
    </>
  );
}
