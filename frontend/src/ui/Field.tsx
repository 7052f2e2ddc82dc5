import type { ReactNode } from "react";
import styles from "./Field.module.css";

interface FieldProps {
  id: string;
  label: string;
  hint?: ReactNode;
  error?: ReactNode;
  /** What is above the field says the same. */
  hideLabel?: boolean | undefined;
  /** A control on the label's line, such as "Show". It follows the field in the tab order. */
  aside?: ReactNode;
  children: ReactNode;
}

/** A label, a control and its texts. The element for the error always exists, so that errors are announced. */
export function Field({ id, label, hideLabel, hint, error, aside, children }: FieldProps) {
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={hideLabel ? "visually-hidden" : styles.label}>
        {label}
      </label>
      {children}
      {aside && <div className={styles.aside}>{aside}</div>}
      <div id={`${id}-error`} aria-live="polite" className={styles.error}>
        {error}
      </div>
      {hint && (
        <div id={`${id}-hint`} className={styles.hint}>
          {hint}
        </div>
      )}
    </div>
  );
}

/** The attributes that link a control to the texts of its field. */
export const describedBy = (id: string, error: unknown) => ({
  id,
  "aria-describedby": `${id}-error ${id}-hint`,
  "aria-invalid": error ? true : undefined,
});
