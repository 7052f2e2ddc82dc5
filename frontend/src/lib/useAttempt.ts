import { useCallback, useEffect, useRef, useState } from "react";
import { ApiProblem } from "./api";

const SLOW_AFTER_MS = 4000;

/** One act of a form: at most one under way, its problem kept until the next try. */
export function useAttempt<A extends unknown[]>(act: (...args: A) => Promise<unknown>) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const running = useRef(false);
  const latest = useRef(act);
  latest.current = act;

  const run = useCallback(async (...args: A) => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    try {
      await latest.current(...args);
      setProblem(null);
    } catch (fault) {
      if (!(fault instanceof ApiProblem)) throw fault;
      setProblem(fault);
    } finally {
      running.current = false;
      setBusy(false);
    }
  }, []);

  const clear = useCallback(() => setProblem(null), []);
  useEffect(() => {
    if (problem?.code !== "offline") return;
    window.addEventListener("online", clear);
    return () => window.removeEventListener("online", clear);
  }, [problem, clear]);

  /** Say what is missing without asking the server. */
  const refuse = useCallback(
    (detail: string) => setProblem(new ApiProblem({ code: "incomplete", detail })),
    [],
  );
  return { run, busy, slow: useSlow(busy), problem, clear, refuse };
}

function useSlow(busy: boolean): boolean {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    if (!busy) return setSlow(false);
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, [busy]);
  return slow;
}
