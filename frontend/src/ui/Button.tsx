import type { ComponentProps } from "react";
import styles from "./Button.module.css";
import { cx } from "./text";

interface ButtonProps extends ComponentProps<"button"> {
  look?: "primary" | "quiet" | "link";
  busy?: boolean;
}

/** While busy it keeps its width; busy or disabled it keeps the focus too, and only does nothing. */
export function Button({ look = "quiet", busy = false, disabled = false, ...props }: ButtonProps) {
  const { children, onClick, ...rest } = props;
  const still = busy || disabled;
  return (
    <button
      type="button"
      {...rest}
      className={cx(styles.button, styles[look])}
      aria-busy={busy || undefined}
      aria-disabled={still || undefined}
      onClick={still ? (event) => event.preventDefault() : onClick}
    >
      <span className={styles.label}>{children}</span>
      {busy && <span className={styles.spinner} />}
    </button>
  );
}
