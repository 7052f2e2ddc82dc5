import { useState } from "react";
import { ApiProblem, api, type Enrollment } from "../../lib/api";
import { useAuth } from "../../lib/auth";
import { type Attempt, useAttempt } from "../../lib/useAttempt";
import { useServerData } from "../../lib/useServerData";

/** A key to add to an app, and what its page can do with it. */
export interface Setup {
  enrollment: Enrollment | undefined;
  problem: ApiProblem | null;
  loading: boolean;
  reload(): Promise<void>;
  startOver(): Promise<void>;
  startingOver: boolean;
  startedOver: boolean;
  /** Proves that the app has the key. */
  confirmation: Attempt<[code: string]>;
}

/**
 * The key waiting to be confirmed. Asking again returns the same key, so a reload or a second tab changes nothing;
 * only `startOver` makes a new one.
 */
export function useEnrollment(): Setup {
  const { confirmEnrollment } = useAuth();
  const pending = useServerData(() => api.enrollment(), 60_000);
  const [startedOver, setStartedOver] = useState(false);
  const restart = useAttempt(async () => {
    setStartedOver(false);
    pending.replace(await api.enrollment(true));
    setStartedOver(true);
  });
  const confirmation = useAttempt((code: string) =>
    confirmEnrollment(code).catch((fault: unknown) => {
      if (fault instanceof ApiProblem && fault.code === "enrolment_expired") void pending.reload();
      throw fault;
    }),
  );

  return {
    confirmation,
    enrollment: pending.data,
    problem: restart.problem ?? pending.problem,
    loading: pending.loading,
    reload: pending.reload,
    startOver: restart.run,
    startingOver: restart.busy,
    startedOver,
  };
}
