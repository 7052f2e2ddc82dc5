import { type ReactNode, useState } from "react";
import { ApiProblem } from "../../lib/api";
import { useAttempt } from "../../lib/useAttempt";
import { StepUpDialog } from "./StepUpDialog";

/** A backup code is not enough for some actions. */
const APP_CODE_REQUIRED = "app_code_required";
const NEEDS_STEP_UP = ["step_up_required", APP_CODE_REQUIRED];

/**
 * Like `useAttempt`, for an action that needs a recent verification: if it is refused without one, a dialog asks for it,
 * and the action then runs again with the same arguments. The page renders `dialog`.
 */
export function useStepUp<A extends unknown[]>(action: (...args: A) => Promise<unknown>) {
  const [waiting, setWaiting] = useState<{ args: A; why: string } | null>(null);
  const { run, ...attempt } = useAttempt(async (...args: A) => {
    try {
      await action(...args);
    } catch (fault) {
      if (!(fault instanceof ApiProblem) || !NEEDS_STEP_UP.includes(fault.code)) throw fault;
      setWaiting({ args, why: fault.code });
    }
  });

  const verified = (args: A) => {
    setWaiting(null);
    void run(...args);
  };
  const dialog: ReactNode = waiting && (
    <StepUpDialog
      appOnly={waiting.why === APP_CODE_REQUIRED}
      onVerified={() => verified(waiting.args)}
      onCancel={() => setWaiting(null)}
    />
  );
  return { run, dialog, ...attempt };
}
