import styles from "./Waiting.module.css";

/** An empty page while something loads; its text appears only if that takes long. */
export function Waiting() {
  return (
    <main className={styles.frame} aria-busy="true">
      <div role="status">
        <h1 className={styles.words}>Loading…</h1>
      </div>
    </main>
  );
}
