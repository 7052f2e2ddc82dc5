import { type ReactNode, useEffect, useRef } from "react";
import { Card } from "./Card";
import styles from "./Frame.module.css";
import { Mark } from "./Mark";

interface FrameProps {
  title: string;
  /** Part of the tab's title; empty until it is known. */
  appName: string;
  /** One or two sentences under the title. */
  lead?: ReactNode;
  /** The account this page is about. */
  who?: ReactNode;
  footer?: ReactNode;
  wide?: boolean;
  /** Move the focus to the title when it appears or changes, for pages that are read first. */
  focusTitle?: boolean;
  children?: ReactNode;
}

/** The layout of every page: a card with its title, its content, and a footer for less important links. */
export function Frame(props: FrameProps) {
  const { title, appName, lead, who, footer, wide = false, focusTitle = false, children } = props;
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    document.title = !appName || title.includes(appName) ? title : `${title} · ${appName}`;
  }, [title, appName]);

  useEffect(() => {
    if (focusTitle && title) heading.current?.focus();
  }, [focusTitle, title]);

  return (
    <main className={styles.frame}>
      <Card wide={wide}>
        <header className={styles.header}>
          <Mark />
          <h1 ref={heading} tabIndex={-1} className={styles.title}>
            {title}
          </h1>
          {lead && <div className={styles.lead}>{lead}</div>}
          {who && <div className={styles.who}>{who}</div>}
        </header>
        {children}
        {footer && <footer className={styles.footer}>{footer}</footer>}
      </Card>
    </main>
  );
}
