import { useEffect, useState } from "react";
import { ApiProblem, api } from "../../lib/api";

const PAUSE_MS = 400;

/**
 * Why the server would refuse a password, once there is a pause in typing; "" if it would not, and null while unknown.
 * It judges again when the form is submitted, so a failed call needs no message.
 */
export function useJudgment(password: string): string | null {
  const [judged, setJudged] = useState({ password: "", weakness: "" });
  useEffect(() => {
    let outdated = false;
    const judge = async () => {
      try {
        const { weakness } = await api.judgePassword(password);
        if (!outdated) setJudged({ password, weakness: weakness ?? "" });
      } catch (fault) {
        if (!(fault instanceof ApiProblem)) throw fault;
      }
    };
    const timer = password ? setTimeout(() => void judge(), PAUSE_MS) : undefined;
    return () => {
      outdated = true;
      clearTimeout(timer);
    };
  }, [password]);
  return password && judged.password === password ? judged.weakness : null;
}
