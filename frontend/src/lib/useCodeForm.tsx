import { useState } from "react";
import { ProblemText } from "./ProblemText";
import { type Attempt, useAttempt } from "./useAttempt";
import { useMarkedField } from "./useMarkedField";

interface CodeRule {
  isComplete(code: string): boolean;
  /** The error message if it is not. */
  message: string;
}

export const SIX_DIGITS: CodeRule = {
  isComplete: (code) => /^[0-9]{6}$/.test(code),
  message: "Enter all six digits.",
};

export const SIXTEEN_CHARACTERS: CodeRule = {
  isComplete: (code) => code.replace(/[^0-9a-z]/gi, "").length === 16,
  message: "Enter all 16 characters.",
};

/** A form with a single code: the props of its field, and its submit action. */
export function useCodeForm(rule: CodeRule, action: (code: string) => Promise<unknown>) {
  return useCodeFormFor(rule, useAttempt(action));
}

/** The same, for an action that is an attempt already. */
export function useCodeFormFor(rule: CodeRule, attempt: Attempt<[code: string]>) {
  const [value, setValue] = useState("");
  const { problem, busy, slow } = attempt;
  const field = useMarkedField(problem);

  const submit = (code = value) => {
    if (busy) return;
    if (rule.isComplete(code)) void attempt.run(code);
    else attempt.refuse(rule.message);
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
