import { useState } from "react";
import { ProblemText } from "./ProblemText";
import { useAttempt } from "./useAttempt";
import { useMarkedField } from "./useMarkedField";

interface CodeRule {
  isWhole(code: string): boolean;
  /** What to say when it is not. */
  ask: string;
}

export const SIX_DIGITS: CodeRule = {
  isWhole: (code) => /^[0-9]{6}$/.test(code),
  ask: "Enter all six digits.",
};

export const SIXTEEN: CodeRule = {
  isWhole: (code) => code.replace(/[^0-9a-z]/gi, "").length === 16,
  ask: "Enter all 16 letters and digits.",
};

/** A form of one code: its field, and the one act it offers. */
export function useCodeForm(rule: CodeRule, act: (code: string) => Promise<unknown>) {
  const [value, setValue] = useState("");
  const attempt = useAttempt(act);
  const { problem, busy, slow } = attempt;
  const field = useMarkedField(problem);

  const submit = (code = value) => {
    if (busy) return;
    if (rule.isWhole(code)) void attempt.run(code);
    else attempt.refuse(rule.ask);
  };

  const error = problem && !busy ? <ProblemText problem={problem} /> : null;
  return {
    submit,
    busy,
    slow,
    problem,
    fieldProps: { value, onChange: setValue, error, readOnly: busy, field },
  };
}
