import type { OwnSession } from "../../lib/api";
import { Button } from "../../ui/Button";
import styles from "./List.module.css";
import { methodsInWords } from "./methods";
import { dateAndTime } from "./moments";

interface SessionListProps {
  sessions: readonly OwnSession[];
  busy: boolean;
  onEnd(session: OwnSession): void;
}

/** Where someone is signed in, this browser first. */
export function SessionList({ sessions, busy, onEnd }: SessionListProps) {
  const inOrder = [...sessions].sort((a, b) => Number(b.is_current) - Number(a.is_current));
  return (
    <ul className={styles.list}>
      {inOrder.map((session) => (
        <li key={session.id} className={styles.item}>
          <div>
            <h2 className={styles.title}>
              {session.device}
              {session.is_current && <span className={styles.badge}>This browser</span>}
            </h2>
            <p>From {session.address}</p>
            <p>
              Signed in {dateAndTime(session.created_at)}, with {methodsInWords(session.amr)}
            </p>
            <p>Last used {dateAndTime(session.last_used_at)}</p>
          </div>
          {!session.is_current && (
            <Button
              busy={busy}
              aria-label={`End: ${session.device}, from ${session.address}`}
              onClick={() => onEnd(session)}
            >
              End
            </Button>
          )}
        </li>
      ))}
    </ul>
  );
}
