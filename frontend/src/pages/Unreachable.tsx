import { useEffect } from "react";
import { useAuth } from "../lib/auth";
import { sentenceFor } from "../lib/reasons";
import { useAttempt } from "../lib/useAttempt";
import { Button } from "../ui/Button";
import { Frame } from "../ui/Frame";

/** The first request to the server failed. It is sent again on request, or when the connection is back. */
export default function Unreachable({ code }: { code: string }) {
  const { appName, resync } = useAuth();
  const { run, busy } = useAttempt(resync);
  useEffect(() => {
    const retry = () => void run();
    window.addEventListener("online", retry);
    return () => window.removeEventListener("online", retry);
  }, [run]);
  return (
    <Frame
      focusTitle
      appName={appName}
      title={code === "offline" ? "You are offline" : "No response from the server"}
      lead={<p>{whatNext(code)}</p>}
    >
      <Button look="primary" busy={busy} onClick={() => run()}>
        Try again
      </Button>
    </Frame>
  );
}

function whatNext(code: string): string {
  if (code === "offline") return "This page continues by itself when you are back online.";
  if (code === "unreachable") return "Check your connection, then try again.";
  return sentenceFor({ code, detail: "", triesLeft: null, minutesAgo: null, wait: 0 });
}
