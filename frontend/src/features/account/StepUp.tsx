import { type ReactNode, useState } from "react";
import { ApiProblem } from "../../lib/api";
import { useAttempt } from "../../lib/useAttempt";
import { StepUpDialog } from "./StepUpDialog";

/**
 * Like `useAttempt`, for an action that needs a recent verification: if it is refused without one, a dialog asks for it,
 * and the action then runs again with the same arguments. The page renders `dialog`.
 */
export function useStepUp<A extends unknown[]>(action: (...args: A) => Promise<unknown>) {
  const [waiting, setWaiting] = useState<A | null>(null);
  const { run, busy, problem } = useAttempt(async (...args: A) => {
    try {
      await action(...args);
    } catch (fault) {
      if (!(fault instanceof ApiProblem) || fault.code !== "step_up_required") throw fault;
      setWaiting(args);
    }
  });

  const verified = (args: A) => {
    setWaiting(null);
    void run(...args);
  };
  const dialog: ReactNode = waiting && (
    <StepUpDialog onVerified={() => verified(waiting)} onCancel={() => setWaiting(null)} />
  );
  return { run, dialog, busy, problem };
}
