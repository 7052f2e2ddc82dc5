import { useEffect, useState } from "react";

const TICK_MS = 200;

/** The phone's time in ms since the epoch, updated live. */
export function usePhoneTime(secondsAhead: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now + secondsAhead * 1000;
}
