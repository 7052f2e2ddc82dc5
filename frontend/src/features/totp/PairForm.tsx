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

/** Two codes that follow each other: what a guesser cannot have, and the owner has after half a minute. */
export function PairForm() {
  const { verifyTotpPair } = useAuth();
  const [older, setOlder] = useState("");
  const [newer, setNewer] = useState("");
  const { run, busy, slow, problem, refuse } = useAttempt(verifyTotpPair);
  const first = useMarkedField(problem);
  const second = useMarkedField(null);

  const submit = (last = newer) => {
    if (busy) return;
    if (SIX_DIGITS.isWhole(older) && SIX_DIGITS.isWhole(last)) void run(older, last);
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
        error={problem && !busy ? <PairText problem={problem} /> : null}
        field={first}
        readOnly={busy}
        autoFocus
      />
      <CodeField
        id="code-newer"
        label="The next code"
        hint="Wait until the app shows a new one. That takes up to 30 seconds."
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

/** A wrong pair may be two right codes: what it takes is said before what was wrong. */
function PairText({ problem }: { problem: ApiProblem }) {
  if (problem.code !== "invalid_code") return <ProblemText problem={problem} />;
  return (
    <>
      <ProblemText problem={problem} /> Both must be new and follow each other.
    </>
  );
}
