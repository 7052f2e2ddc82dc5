import { useEffect, useRef } from "react";

/** Run *action* once the clock has passed *moment* (ms since the epoch), even if the machine was asleep. */
export function useDeadline(moment: number | null, action: () => void): void {
  const latest = useRef(action);
  latest.current = action;

  useEffect(() => {
    if (moment === null) return;
    let done = false;
    const check = () => {
      if (done || Date.now() < moment) return;
      done = true;
      latest.current();
    };
    const timer = setInterval(check, 500);
    document.addEventListener("visibilitychange", check);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", check);
    };
  }, [moment]);
}
