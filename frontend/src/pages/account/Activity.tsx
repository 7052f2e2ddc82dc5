import { AccountFrame } from "../../features/account/AccountFrame";
import { EventList } from "../../features/account/EventList";
import { LoadProblem } from "../../features/account/LoadProblem";
import { OfflineNote } from "../../features/login/OfflineNote";
import { api } from "../../lib/api";
import { ProblemText } from "../../lib/ProblemText";
import { useAttempt } from "../../lib/useAttempt";
import { useServerData } from "../../lib/useServerData";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";

export default function Activity() {
  // Not loaded again by itself: that would hide the older events that were asked for.
  const { data, problem, loading, reload, replace } = useServerData(firstPage, Infinity);
  const more = useAttempt(async () => {
    if (!data?.before) return;
    const { events, before } = await api.activity(data.before);
    replace({ events: [...data.events, ...events], before });
  });

  return (
    <AccountFrame title="Activity" lead={<p>What happened to your account, newest first.</p>}>
      <OfflineNote />
      {problem && <LoadProblem problem={problem} loading={loading} reload={reload} />}
      {data && <EventList events={data.events} />}
      {data?.events.length === 0 && <p>Nothing has happened yet.</p>}
      {more.problem && (
        <Alert tone="danger">
          <ProblemText problem={more.problem} />
        </Alert>
      )}
      {data?.before && (
        <Button busy={more.busy} onClick={() => more.run()}>
          Show more
        </Button>
      )}
    </AccountFrame>
  );
}

const firstPage = () => api.activity();
