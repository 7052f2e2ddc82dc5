import { useEffect, useRef } from "react";
import { useLogin } from "../../lib/auth";
import { useSecondsLeft } from "../../lib/useSecondsLeft";

/** Run *act* when a lock begins while the page is open; a page opened during a lock waits for the next one. */
export function useLockBegins(act: () => void): void {
  const isLocked = useLogin().unlocksAt !== null;
  const wasLocked = useRef(isLocked);
  const latest = useRef(act);
  latest.current = act;

  useEffect(() => {
    if (isLocked && !wasLocked.current) latest.current();
    wasLocked.current = isLocked;
  }, [isLocked]);
}

/** Whether the login has ended. A lock may outlast it; then the password is needed again before any code. */
export function useHasEnded(): boolean {
  return useSecondsLeft(useLogin().expiresAt) === 0;
}
