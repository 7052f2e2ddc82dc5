import styles from "./SecretKey.module.css";

/** The key for typing. The gaps between its groups are only layout, so that selecting and copying it adds no spaces. */
export function SecretKey({ secret }: { secret: string }) {
  const groups = secret.match(/.{1,4}/g) ?? [];
  return (
    <div className={styles.block}>
      <span className={styles.label}>Setup key</span>
      <code className={styles.key}>
        {groups.map((group, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: groups may repeat, and never move
          <span key={index} className={styles.group}>
            {group}
          </span>
        ))}
      </code>
    </div>
  );
}
