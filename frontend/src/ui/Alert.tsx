import type { ReactNode } from "react";
import styles from "./Alert.module.css";
import { cx } from "./text";

interface AlertProps {
  tone?: "info" | "warning" | "danger";
  children: ReactNode;
}

/** A sentence about the whole page. It is read aloud when it appears; only what has just failed interrupts. */
export function Alert({ tone = "info", children }: AlertProps) {
  return (
    <div role={tone === "danger" ? "alert" : "status"} className={cx(styles.alert, styles[tone])}>
      {children}
    </div>
  );
}
