import styles from "./DemoBadge.module.css";

/** Says on every page that this is a demo, and links to its phone, except on the phone itself. */
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
