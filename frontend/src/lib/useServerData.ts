import { useCallback, useEffect, useRef, useState } from "react";
import { useAttempt } from "./useAttempt";

/**
 * Data a page loads when it opens, and again when its tab is back in view or online and the data is at least
 * *maxAgeMs* old. It is secret or personal, so it is kept no longer than the page is shown.
 */
export function useServerData<T>(load: () => Promise<T>, maxAgeMs = 0) {
  const [data, setData] = useState<T>();
  const loadedAt = useRef(0);
  const replace = useCallback((fresh: T) => {
    loadedAt.current = Date.now();
    setData(fresh);
  }, []);
  const { run: reload, busy, problem } = useAttempt(async () => replace(await load()));

  useEffect(() => {
    void reload();
    const refresh = () => {
      const isShown = document.visibilityState === "visible" && navigator.onLine;
      if (isShown && Date.now() - loadedAt.current >= maxAgeMs) void reload();
    };
    document.addEventListener("visibilitychange", refresh);
    window.addEventListener("online", refresh);
    return () => {
      document.removeEventListener("visibilitychange", refresh);
      window.removeEventListener("online", refresh);
    };
  }, [reload, maxAgeMs]);

  // The first load starts only after the first paint.
  const loading = busy || (data === undefined && problem === null);
  return { data, problem, loading, reload, replace };
}
