import { useState } from "react";
import { ApiProblem, api } from "../../lib/api";
import { useMarkedField } from "../../lib/useMarkedField";
import { useStepUp } from "./StepUp";

/** The form that changes the password: the props of its fields, and its submit action. What was typed stays. */
export function usePasswordForm() {
  const [typed, setTyped] = useState({ current: "", chosen: "" });
  const [sent, setSent] = useState(typed);
  const [changed, setChanged] = useState(false);
  const { run, dialog, busy, problem } = useStepUp(async ({ current, chosen }: typeof typed) => {
    if (!current) throw missing("current_password", "Enter your current password.");
    if (!chosen) throw missing("new_password", "Enter a new password.");
    await api.changePassword(current, chosen);
    setTyped({ current: "", chosen: "" });
    setChanged(true);
  });

  const shown = busy ? null : problem;
  const about = shown && fieldProblem(shown);
  const useField = (key: keyof typeof typed, name: string) => {
    // A new value is no longer wrong.
    const error = about?.field === name && typed[key] === sent[key] ? about.message : undefined;
    return {
      value: typed[key],
      onChange: (event: { target: { value: string } }) =>
        setTyped({ ...typed, [key]: event.target.value }),
      field: useMarkedField(error && problem),
      error,
      readOnly: busy,
    };
  };

  return {
    submit: () => {
      setSent(typed);
      void run(typed);
    },
    current: useField("current", "current_password"),
    chosen: useField("chosen", "new_password"),
    /** A problem of neither field. */
    problem: about ? null : shown,
    dialog,
    busy,
    changed,
  };
}

const missing = (field: string, message: string) =>
  new ApiProblem({ code: "incomplete", errors: [{ field, message }] });

/** The field that a problem is about, and what to say there. */
function fieldProblem({ code, errors }: ApiProblem) {
  if (code === "invalid_credentials")
    return { field: "current_password", message: "That password is wrong." };
  return errors[0] ?? null;
}
