import type { ReactNode } from "react";
import styles from "./Alert.module.css";
import { cx } from "./cx";

interface AlertProps {
  tone?: "info" | "warning" | "danger";
  children: ReactNode;
}

/** A sentence about the whole page. It is read aloud when it appears, without interrupting. */
export function Alert({ tone = "info", children }: AlertProps) {
  return (
    <div role="status" className={cx(styles.alert, styles[tone])}>
      {children}
    </div>
  );
}
