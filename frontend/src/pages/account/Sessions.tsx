import { useRef, useState } from "react";
import { AccountFrame } from "../../features/account/AccountFrame";
import { LoadProblem } from "../../features/account/LoadProblem";
import { SessionList } from "../../features/account/SessionList";
import { useStepUp } from "../../features/account/StepUp";
import { OfflineNote } from "../../features/login/OfflineNote";
import { ApiProblem, api, type OwnSession } from "../../lib/api";
import { ContactSupport } from "../../lib/ContactSupport";
import { ProblemText } from "../../lib/ProblemText";
import { useServerData } from "../../lib/useServerData";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";

export default function Sessions() {
  const { data, problem, loading, reload } = useServerData(api.sessions);
  const [done, setDone] = useState("");
  const list = useRef<HTMLUListElement>(null);
  const reloaded = async (what: string) => {
    await reload();
    setDone(what);
    // The button that was pressed is gone.
    list.current?.focus();
  };
  const one = useStepUp(async (session: OwnSession) => {
    await end(session);
    await reloaded(`${session.device} is signed out.`);
  });
  const others = useStepUp(async () => {
    await api.endOtherSessions();
    await reloaded("All other browsers are signed out.");
  });
  const failed = one.problem ?? others.problem;
  const hasOthers = data?.sessions.some((session) => !session.is_current);

  return (
    <AccountFrame title="Sessions" lead={<p>The browsers where you are signed in.</p>}>
      <OfflineNote />
      {problem && <LoadProblem problem={problem} loading={loading} reload={reload} />}
      {failed && (
        <Alert tone="danger">
          <ProblemText problem={failed} />
        </Alert>
      )}
      {done && !failed && <Alert>{done}</Alert>}
      {data && <SessionList sessions={data.sessions} busy={one.busy} onEnd={one.run} list={list} />}
      {data && !hasOthers && <p>You are not signed in anywhere else.</p>}
      {hasOthers && (
        <>
          <p>
            If you do not recognize a session, end it and change your password.
            <ContactSupport />
          </p>
          <Button busy={others.busy} onClick={() => others.run()}>
            End all others
          </Button>
        </>
      )}
      {one.dialog}
      {others.dialog}
    </AccountFrame>
  );
}

/** Ends a session; it may have ended by itself since the list was loaded. */
async function end({ id }: OwnSession): Promise<void> {
  try {
    await api.endSession(id);
  } catch (fault) {
    if (!(fault instanceof ApiProblem) || fault.code !== "not_found") throw fault;
  }
}
