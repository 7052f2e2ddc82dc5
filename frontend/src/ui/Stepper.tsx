import type { ReactNode } from "react";
import styles from "./Stepper.module.css";

/** Numbered steps, all visible at once. */
export function Stepper({ children }: { children: ReactNode }) {
  return <ol className={styles.steps}>{children}</ol>;
}

export function StepItem({ title, children }: { title: string; children: ReactNode }) {
  return (
    <li className={styles.step}>
      <h2 className={styles.title}>{title}</h2>
      <div className={styles.body}>{children}</div>
    </li>
  );
}
