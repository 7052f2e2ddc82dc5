import type { ApiProblem } from "./api";
import { sentenceFor } from "./reasons";
import { useSecondsLeft } from "./useSecondsLeft";

/** A problem in words. A wait in it ticks for the eye, but is read aloud once. */
export function ProblemText({ problem }: { problem: ApiProblem }) {
  const wait = useSecondsLeft(problem.retryAt);
  const live = sentenceFor({ ...facts(problem), wait });
  if (problem.retryAfter === null) return live;
  const spoken = wait > 0 ? sentenceFor({ ...facts(problem), wait: problem.retryAfter }) : live;
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
