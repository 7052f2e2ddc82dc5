import type { ReactNode } from "react";
import styles from "./Form.module.css";

interface FormProps {
  onSubmit(): void;
  /** Submitting takes longer than anyone expects. */
  slow?: boolean;
  children: ReactNode;
}

/** A form without the browser's own validation and its messages. */
export function Form({ onSubmit, slow = false, children }: FormProps) {
  return (
    <form
      noValidate
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
      <p aria-live="polite" className={styles.slow}>
        {slow && "Still working. The connection seems slow."}
      </p>
    </form>
  );
}
