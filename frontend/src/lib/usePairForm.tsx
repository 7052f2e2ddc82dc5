import { useState } from "react";
import type { ApiProblem } from "./api";
import { EntryHint } from "./EntryHint";
import { ProblemText } from "./ProblemText";
import { useAttempt } from "./useAttempt";
import { SIX_DIGITS } from "./useCodeForm";
import { useMarkedField } from "./useMarkedField";

/** A form with two codes in a row: the props of its fields, and its submit action. */
export function usePairForm(action: (older: string, newer: string) => Promise<unknown>) {
  const [older, setOlder] = useState("");
  const [newer, setNewer] = useState("");
  const { run, busy, slow, problem, refuse } = useAttempt(action);
  const first = useMarkedField(problem);
  const second = useMarkedField(null);

  const submit = (last = newer) => {
    if (busy) return;
    if (SIX_DIGITS.isComplete(older) && SIX_DIGITS.isComplete(last)) void run(older, last);
    else refuse("Enter all six digits of both codes.");
  };

  return {
    submit,
    busy,
    slow,
    older: {
      label: "The code your app shows now",
      hint: <EntryHint />,
      value: older,
      onChange: setOlder,
      onComplete: () => {
        second.current?.focus();
        second.current?.select();
      },
      error: problem && !busy ? <PairProblem problem={problem} /> : null,
      field: first,
      readOnly: busy,
      autoFocus: true,
    },
    newer: {
      label: "The next code",
      hint: "Wait until your app shows a new one. This takes up to 30 seconds.",
      value: newer,
      onChange: setNewer,
      onComplete: submit,
      field: second,
      readOnly: busy,
      autoComplete: "off" as const,
    },
  };
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
