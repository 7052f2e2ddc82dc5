import type { ComponentProps } from "react";
import styles from "./Button.module.css";
import { cx } from "./text";

interface ButtonProps extends ComponentProps<"button"> {
  look?: "primary" | "quiet" | "link";
  busy?: boolean;
}

/** It keeps its width while busy, and can keep the focus while busy or disabled. */
export function Button({ look = "quiet", busy = false, disabled = false, ...props }: ButtonProps) {
  const { children, onClick, ...rest } = props;
  const inactive = busy || disabled;
  return (
    <button
      type="button"
      {...rest}
      className={cx(styles.button, styles[look])}
      aria-busy={busy || undefined}
      aria-disabled={inactive || undefined}
      onClick={inactive ? (event) => event.preventDefault() : onClick}
    >
      <span className={styles.label}>{children}</span>
      {busy && <span className={styles.spinner} />}
    </button>
  );
}
