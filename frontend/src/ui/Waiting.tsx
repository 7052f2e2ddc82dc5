import styles from "./Waiting.module.css";

/** An empty card while the first answer is on its way; it only says so when that takes long. */
export function Waiting() {
  return (
    <main className={styles.frame} aria-busy="true">
      <div role="status">
        <h1 className={styles.words}>Loading…</h1>
      </div>
    </main>
  );
}
