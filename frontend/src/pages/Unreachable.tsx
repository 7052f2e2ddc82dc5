import { useEffect } from "react";
import type { ApiProblem } from "../lib/api";
import { useAuth } from "../lib/auth";
import { ProblemText } from "../lib/ProblemText";
import { useAttempt } from "../lib/useAttempt";
import { useSecondsLeft } from "../lib/useSecondsLeft";
import { Button } from "../ui/Button";
import { Frame } from "../ui/Frame";

const TITLES: Record<string, string> = {
  offline: "You are offline",
  unreachable: "No response from the server",
  timeout: "No response from the server",
};

/** The first request to the server failed. It is sent again on request, or when the connection is back. */
export default function Unreachable({ problem }: { problem: ApiProblem }) {
  const { appName, resync } = useAuth();
  const { run, busy } = useAttempt(resync);
  const wait = useSecondsLeft(problem.retryAt);
  useEffect(() => {
    const retry = () => void run();
    window.addEventListener("online", retry);
    return () => window.removeEventListener("online", retry);
  }, [run]);
  return (
    <Frame
      focusTitle
      appName={appName}
      title={TITLES[problem.code] ?? "Sign-in is not available"}
      lead={
        <p className="numbers">
          <WhatNext problem={problem} />
        </p>
      }
    >
      <Button look="primary" busy={busy} disabled={wait > 0} onClick={() => run()}>
        Try again
      </Button>
    </Frame>
  );
}

function WhatNext({ problem }: { problem: ApiProblem }) {
  if (problem.code === "offline") return "This page continues by itself when you are back online.";
  if (problem.code === "unreachable") return "Check your connection, then try again.";
  return <ProblemText problem={problem} />;
}
