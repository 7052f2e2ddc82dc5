import type { ReactNode } from "react";
import { useLinkClickHandler } from "react-router";
import { ButtonLink } from "../../ui/ButtonLink";
import styles from "./Summary.module.css";

export interface SummaryLine {
  name: string;
  value: ReactNode;
  /** The button to the line's page: its path, its label, and the same in full for screen readers. */
  page?: { path: string; label: string; spoken: string };
}

/** One line for each thing that keeps the account safe. */
export function Summary({ lines }: { lines: readonly SummaryLine[] }) {
  return (
    <ul className={styles.lines}>
      {lines.map(({ name, value, page }) => (
        <li key={name} className={styles.line}>
          <div>
            <p className={styles.name}>{name}</p>
            <p className={styles.value}>{value}</p>
          </div>
          {page && <PageButton {...page} />}
        </li>
      ))}
    </ul>
  );
}

function PageButton({ path, label, spoken }: NonNullable<SummaryLine["page"]>) {
  const open = useLinkClickHandler<HTMLAnchorElement>(path);
  return (
    <ButtonLink href={path} onClick={open} label={spoken}>
      {label}
    </ButtonLink>
  );
}
