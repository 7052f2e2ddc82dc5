import { useEffect, useRef } from "react";

/** Run *act* once when the clock passes *moment* (ms since the epoch), also after the machine slept. */
export function useDeadline(moment: number | null, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;

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
