import type { InputHTMLAttributes, ReactNode, RefObject } from "react";
import { describedBy, Field } from "./Field";
import styles from "./Field.module.css";
import { cx } from "./text";

interface TextFieldProps extends InputHTMLAttributes<HTMLInputElement> {
  id: string;
  label: string;
  hint?: ReactNode;
  error?: ReactNode;
  aside?: ReactNode;
  mono?: boolean;
  field?: RefObject<HTMLInputElement | null>;
}

export function TextField({ label, hint, error, aside, mono, field, ...input }: TextFieldProps) {
  return (
    <Field id={input.id} label={label} hint={hint} error={error} aside={aside}>
      <input
        type="text"
        {...input}
        {...describedBy(input.id, error)}
        ref={field}
        className={cx(styles.input, mono && styles.mono)}
      />
    </Field>
  );
}
