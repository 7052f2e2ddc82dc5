import styles from "./Countdown.module.css";
import { asClock, milestone, timeOfDay } from "./text";

/** A large countdown, with the time of day it ends. */
export function Countdown({ seconds, until }: { seconds: number; until: number }) {
  return (
    <div className={styles.countdown}>
      <div role="timer" aria-live="off" className={styles.left}>
        {asClock(seconds)}
      </div>
      <p className={styles.until}>
        Unlocks at <time dateTime={new Date(until).toISOString()}>{timeOfDay(until)}</time>
      </p>
      <p aria-live="polite" className="visually-hidden">
        {milestone(seconds)}
      </p>
    </div>
  );
}
