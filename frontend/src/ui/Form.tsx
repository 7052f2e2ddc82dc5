import type { ReactNode } from "react";
import styles from "./Form.module.css";

interface FormProps {
  onSubmit(): void;
  /** The act has been under way for longer than anybody expects. */
  slow?: boolean;
  children: ReactNode;
}

/** A form whose checks are ours, so that their words are too. */
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
