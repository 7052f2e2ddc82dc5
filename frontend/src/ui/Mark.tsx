import { createContext, use, useState } from "react";
import styles from "./Mark.module.css";

/** The operator's logo: its address and its name. Null for ours, undefined until that is known. */
export const Logo = createContext<{ src: string; name: string } | null | undefined>(null);

/** The logo: the operator's, or ours, three quarters of a ring around a dot. */
export function Mark() {
  const logo = use(Logo);
  const [broken, setBroken] = useState("");
  if (logo === undefined) return <span className={styles.mark} />;
  if (logo && logo.src !== broken)
    return (
      <img
        className={styles.logo}
        src={logo.src}
        alt={logo.name}
        onError={() => setBroken(logo.src)}
      />
    );
  return (
    <svg className={styles.mark} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect className={styles.ground} width="32" height="32" rx="9" />
      <path className={styles.ring} d="M16 7.5A8.5 8.5 0 1 0 24.5 16" />
      <circle className={styles.point} cx="16" cy="16" r="3.25" />
    </svg>
  );
}
