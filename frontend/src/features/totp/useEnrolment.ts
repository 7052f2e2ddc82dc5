import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "../../lib/api";

const KEY = ["enrolment"];

/**
 * The key that waits to be confirmed. Asking again answers the same key, so a reload or a second tab changes nothing;
 * only `startOver` makes a new one.
 */
export function useEnrolment() {
  const client = useQueryClient();
  const pending = useQuery({ queryKey: KEY, queryFn: () => api.enrolment(), staleTime: 60_000 });
  const restart = useMutation({
    mutationFn: () => api.enrolment(true),
    onSuccess: (fresh) => client.setQueryData(KEY, fresh),
  });

  return {
    enrolment: pending.data,
    problem: restart.error ?? pending.error,
    loading: pending.isFetching,
    reload: () => pending.refetch(),
    startOver: () => restart.mutateAsync().catch(() => undefined),
    startingOver: restart.isPending,
    startedOver: restart.isSuccess,
  };
}
