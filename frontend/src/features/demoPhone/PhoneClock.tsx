import { moveClock, setClockRight } from "../../lib/demoPhone";
import { Button } from "../../ui/Button";
import { clockInWords } from "./clock";
import styles from "./PhoneClock.module.css";

const STEPS: readonly (readonly [string, number])[] = [
  ["−2 min", -120],
  ["−30 s", -30],
  ["−1 s", -1],
  ["+1 s", 1],
  ["+30 s", 30],
  ["+2 min", 120],
];

/** The phone's clock, which can be set wrong to see what happens. */
export function PhoneClock({ time, secondsAhead }: { time: number; secondsAhead: number }) {
  return (
    <section aria-label="The phone's clock" className={styles.clock}>
      <h2 className={styles.title}>The phone's clock</h2>
      <p className={styles.now}>
        <time className={styles.time}>{new Date(time).toLocaleTimeString()}</time>
        <span role="status" className={styles.error}>
          {clockInWords(secondsAhead)}
        </span>
      </p>
      <div className={styles.steps}>
        {STEPS.map(([label, seconds]) => (
          <Button key={label} onClick={() => moveClock(seconds)}>
            {label}
          </Button>
        ))}
      </div>
      <Button look="link" disabled={secondsAhead === 0} onClick={setClockRight}>
        Set the clock right
      </Button>
    </section>
  );
}
