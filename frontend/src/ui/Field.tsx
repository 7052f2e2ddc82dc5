import type { ReactNode } from "react";
import styles from "./Field.module.css";

interface FieldProps {
  id: string;
  label: string;
  hint?: ReactNode;
  error?: ReactNode;
  /** A control on the label's line, such as "show"; the keyboard comes to it after the field. */
  aside?: ReactNode;
  children: ReactNode;
}

/** A label, a control, and the words that belong to it. The place of the error always exists, so it is announced. */
export function Field({ id, label, hint, error, aside, children }: FieldProps) {
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
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

/** The attributes that tie a control to the words of its field. */
export const describedBy = (id: string, error: unknown) => ({
  id,
  "aria-describedby": `${id}-error ${id}-hint`,
  "aria-invalid": error ? true : undefined,
});
