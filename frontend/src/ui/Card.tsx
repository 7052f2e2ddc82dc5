import type { ReactNode } from "react";
import styles from "./Card.module.css";
import { cx } from "./text";

export function Card({ wide = false, children }: { wide?: boolean; children: ReactNode }) {
  return (
    <div className={cx(styles.card, wide && styles.wide)} data-wide={wide || undefined}>
      {children}
    </div>
  );
}
