import { useEffect, useRef } from "react";
import { useLogin } from "../../lib/auth";
import { useSecondsLeft } from "../../lib/useSecondsLeft";

/** Run *action* when a lock begins while the page is open. A page opened during a lock waits for the next one. */
export function useLockBegins(action: () => void): void {
  const isLocked = useLogin().unlocksAt !== null;
  const wasLocked = useRef(isLocked);
  const latest = useRef(action);
  latest.current = action;

  useEffect(() => {
    if (isLocked && !wasLocked.current) latest.current();
    wasLocked.current = isLocked;
  }, [isLocked]);
}

/** Whether the login has expired. A lock may outlast it; then the password is needed again before any code. */
export function useHasExpired(): boolean {
  return useSecondsLeft(useLogin().expiresAt) === 0;
}
