import { useEffect, useState } from "react";

const secondsUntil = (moment: number | null) =>
  moment === null ? 0 : Math.max(0, Math.ceil((moment - Date.now()) / 1000));

/** Whole seconds until *moment* (ms since the epoch), updated live; 0 once it has passed. */
export function useSecondsLeft(moment: number | null): number {
  const [left, setLeft] = useState(() => secondsUntil(moment));

  useEffect(() => {
    setLeft(secondsUntil(moment));
    if (moment === null || moment <= Date.now()) return;
    const timer = setInterval(() => {
      const now = secondsUntil(moment);
      setLeft(now);
      if (now === 0) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [moment]);

  return left;
}
