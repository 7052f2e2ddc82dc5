import type { ApiProblem } from "./api";
import { useAuth } from "./auth";
import { ContactSupport } from "./ContactSupport";
import { NEEDS_SUPPORT, sentenceFor } from "./reasons";
import { useSecondsLeft } from "./useSecondsLeft";

/** A problem as a sentence. A wait in it counts down on the screen, but is announced only once. */
export function ProblemText({ problem }: { problem: ApiProblem }) {
  const { state } = useAuth();
  const wait = useSecondsLeft(problem.retryAt);
  // Someone who is signed in enters codes only to confirm that it is them, as at the second factor.
  const step = state.at === "login" ? state.login.step : "totp";
  const { code, detail, retryAfter, triesLeft, nextPause, minutesAgo } = problem;
  const known = { code, detail, retryAfter, triesLeft, nextPause, minutesAgo, step };
  const shown = sentenceFor({ ...known, wait });
  const contact = NEEDS_SUPPORT.has(code) && <ContactSupport />;
  if (retryAfter === null)
    return (
      <>
        {shown}
        {contact}
      </>
    );
  const spoken = wait > 0 ? sentenceFor({ ...known, wait: retryAfter }) : shown;
  return (
    <>
      <span aria-hidden="true">{shown}</span>
      <span className="visually-hidden">{spoken}</span>
      {contact}
    </>
  );
}
