import { useState } from "react";
import { useAuth, useLogin } from "../../lib/auth";
import { ProblemText } from "../../lib/ProblemText";
import { inWords } from "../../lib/reasons";
import { useAttempt } from "../../lib/useAttempt";
import { useSecondsLeft } from "../../lib/useSecondsLeft";
import { Button } from "../../ui/Button";
import { asClock } from "../../ui/text";
import styles from "./Resend.module.css";

/** Sends the email again. It is `urgent` once the last code no longer works, and a footnote otherwise. */
export function Resend({ urgent = false }: { urgent?: boolean }) {
  const { resendEmailCode } = useAuth();
  const { resendAt } = useLogin();
  const [sent, setSent] = useState(false);
  const { run, busy, problem } = useAttempt(async () => {
    setSent(false);
    await resendEmailCode();
    setSent(true);
  });
  const wait = useSecondsLeft(Math.max(resendAt, problem?.retryAt ?? 0));
  const isThrottled = problem?.code === "throttled";
  const label = urgent ? "Send a new code" : "Send again";

  return (
    <div className={urgent ? styles.urgent : styles.footnote}>
      <Button
        look={urgent ? "primary" : "link"}
        busy={busy}
        disabled={wait > 0}
        onClick={() => run()}
      >
        <span className="numbers">
          {label}
          {wait > 0 && <span aria-hidden="true"> in {asClock(wait)}</span>}
        </span>
      </Button>
      <p aria-live="polite" className={styles.text}>
        {sent && "Sent. It can take a minute to arrive."}
        {problem && !isThrottled && <ProblemText problem={problem} />}
        {isThrottled && wait > 0 && <TooMany seconds={problem.retryAfter ?? 0} />}
      </p>
    </div>
  );
}

/** The button shows a countdown; screen readers announce the wait from this text, once. */
function TooMany({ seconds }: { seconds: number }) {
  return (
    <>
      You have already asked for several codes.
      <span className="visually-hidden"> You can ask again in {inWords(seconds)}.</span>
    </>
  );
}
