import { useState } from "react";
import { api } from "../../lib/api";
import { useAttempt } from "../../lib/useAttempt";
import { useServerData } from "../../lib/useServerData";

/**
 * The key waiting to be confirmed. Asking again returns the same key, so a reload or a second tab changes nothing;
 * only `startOver` makes a new one.
 */
export function useEnrollment() {
  const pending = useServerData(() => api.enrollment(), 60_000);
  const [startedOver, setStartedOver] = useState(false);
  const restart = useAttempt(async () => {
    setStartedOver(false);
    pending.replace(await api.enrollment(true));
    setStartedOver(true);
  });

  return {
    enrollment: pending.data,
    problem: restart.problem ?? pending.problem,
    loading: pending.loading,
    reload: pending.reload,
    startOver: restart.run,
    startingOver: restart.busy,
    startedOver,
  };
}
