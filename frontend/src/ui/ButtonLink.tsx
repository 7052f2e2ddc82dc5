import type { MouseEventHandler, ReactNode } from "react";
import styles from "./Button.module.css";
import { cx } from "./text";

interface ButtonLinkProps {
  href: string;
  /** The name of the tab it opens in. */
  target?: string;
  look?: "primary" | "quiet" | "link";
  /** What screen readers say if the visible words are not enough. */
  label?: string;
  onClick?: MouseEventHandler<HTMLAnchorElement>;
  children: ReactNode;
}

/** A link that looks like a button, for URLs that another program opens; `onClick` can handle them here instead. */
export function ButtonLink({ href, look = "quiet", label, children, ...link }: ButtonLinkProps) {
  return (
    <a {...link} href={href} aria-label={label} className={cx(styles.button, styles[look])}>
      {children}
    </a>
  );
}
