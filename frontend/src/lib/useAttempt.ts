import { useCallback, useEffect, useRef, useState } from "react";
import { ApiProblem } from "./api";

const SLOW_AFTER_MS = 4000;

export interface Attempt<A extends unknown[]> {
  run(...args: A): Promise<void>;
  busy: boolean;
  /** It has been busy for seconds. */
  slow: boolean;
  problem: ApiProblem | null;
  clear(): void;
  /** Show what is missing without asking the server. */
  refuse(detail: string): void;
}

/** An action that runs at most once at a time. Its problem is kept until the next success. */
export function useAttempt<A extends unknown[]>(
  action: (...args: A) => Promise<unknown>,
): Attempt<A> {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const running = useRef(false);
  const latest = useRef(action);
  latest.current = action;

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
