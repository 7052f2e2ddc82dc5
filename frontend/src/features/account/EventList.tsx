import type { OwnEvent } from "../../lib/api";
import { cx } from "../../ui/text";
import styles from "./List.module.css";
import { dateAndTime } from "./moments";

/** What happened to an account, newest first. */
export function EventList({ events }: { events: readonly OwnEvent[] }) {
  return (
    <ol className={styles.list}>
      {events.map(({ id, at, what, outcome, network }) => (
        <li key={id} className={styles.item}>
          <div>
            <p className={cx(styles.title, outcome === "refused" && styles.refused)}>
              {what.charAt(0).toUpperCase() + what.slice(1)}
            </p>
            <p>
              <time dateTime={at}>{dateAndTime(at)}</time>
              {network && `, from ${network}`}
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}
