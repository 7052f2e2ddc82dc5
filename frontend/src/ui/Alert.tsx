import type { ReactNode } from "react";
import styles from "./Alert.module.css";
import { cx } from "./text";

interface AlertProps {
  tone?: "info" | "warning" | "danger";
  children: ReactNode;
}

/** A message about the whole page. Screen readers announce it when it appears; only a failure interrupts them. */
export function Alert({ tone = "info", children }: AlertProps) {
  return (
    <div role={tone === "danger" ? "alert" : "status"} className={cx(styles.alert, styles[tone])}>
      {children}
    </div>
  );
}
