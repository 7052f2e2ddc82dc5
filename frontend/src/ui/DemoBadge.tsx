import styles from "./DemoBadge.module.css";

/** Says on every page that this is a demo, and leads to its phone; on the phone itself, to nothing. */
export function DemoBadge({ phone }: { phone: string | null }) {
  return (
    <aside aria-label="Demo" className={styles.badge}>
      <strong className={styles.word}>Demo</strong>
      {phone && (
        <a href={phone} target="focys-demo-phone">
          Open the demo phone
        </a>
      )}
    </aside>
  );
}
