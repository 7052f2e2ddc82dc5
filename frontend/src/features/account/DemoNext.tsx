import styles from "./DemoNext.module.css";

/** What to try next in the demo, which leads to no application. */
export function DemoNext() {
  return (
    <section aria-label="What to try next" className={styles.next}>
      <h2 className={styles.title}>What to try next</h2>
      <ol className={styles.list}>
        <li>Sign out and sign in again: the password and a code are enough now.</li>
        <li>
          Enter five wrong codes: the account is locked, but two codes in a row still sign you in.
        </li>
        <li>
          Set the demo phone's clock back two minutes: the code is refused, and the page says why.
        </li>
        <li>Lose the phone: sign in with a backup code.</li>
        <li>Put it in front of your app: docs/INTEGRATION.md shows how.</li>
      </ol>
    </section>
  );
}
