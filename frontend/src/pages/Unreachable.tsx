import { useEffect } from "react";
import { OfflineNote } from "../features/login/OfflineNote";
import { useAuth } from "../lib/auth";
import { sentenceFor } from "../lib/reasons";
import { useAttempt } from "../lib/useAttempt";
import { Button } from "../ui/Button";
import { Frame } from "../ui/Frame";

/** The first question to the server went unanswered: it is asked again on request, or when the connection is back. */
export default function Unreachable({ code }: { code: string }) {
  const { appName, resync } = useAuth();
  const { run, busy } = useAttempt(resync);
  useEffect(() => {
    const retry = () => void run();
    window.addEventListener("online", retry);
    return () => window.removeEventListener("online", retry);
  }, [run]);
  const words = sentenceFor({ code, detail: "", triesLeft: null, minutesAgo: null, wait: 0 });
  return (
    <Frame focusTitle appName={appName} title="No answer from the server" lead={<p>{words}</p>}>
      <OfflineNote />
      <Button look="primary" busy={busy} onClick={() => run()}>
        Try again
      </Button>
    </Frame>
  );
}
