import styles from "./Mark.module.css";

/** The logo: three quarters of a ring around a dot. */
export function Mark() {
  return (
    <svg className={styles.mark} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect className={styles.ground} width="32" height="32" rx="9" />
      <path className={styles.ring} d="M16 7.5A8.5 8.5 0 1 0 24.5 16" />
      <circle className={styles.point} cx="16" cy="16" r="3.25" />
    </svg>
  );
}
