import type { ReactNode } from "react";
import styles from "./Button.module.css";
import { cx } from "./cx";

interface ButtonLinkProps {
  href: string;
  look?: "primary" | "quiet" | "link";
  children: ReactNode;
}

/** A link that looks like a button, for addresses another program opens. */
export function ButtonLink({ href, look = "quiet", children }: ButtonLinkProps) {
  return (
    <a href={href} className={cx(styles.button, styles[look])}>
      {children}
    </a>
  );
}
