import type { ApiProblem } from "./api";
import { useAuth } from "./auth";
import { sentenceFor } from "./reasons";
import { useSecondsLeft } from "./useSecondsLeft";

/** A problem in words. A wait in it ticks for the eye, but is read aloud once. */
export function ProblemText({ problem }: { problem: ApiProblem }) {
  const { state } = useAuth();
  const wait = useSecondsLeft(problem.retryAt);
  const isEmailed = state.at === "login" && state.login.step === "email_code";
  const known = { ...facts(problem), isEmailed };
  const live = sentenceFor({ ...known, wait });
  if (problem.retryAfter === null) return live;
  const spoken = wait > 0 ? sentenceFor({ ...known, wait: problem.retryAfter }) : live;
  return (
    <>
      <span aria-hidden="true">{live}</span>
      <span className="visually-hidden">{spoken}</span>
    </>
  );
}

function facts({ code, detail, triesLeft, minutesAgo }: ApiProblem) {
  return { code, detail, triesLeft, minutesAgo };
}
