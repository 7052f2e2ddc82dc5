import { type ChangeEvent, type ReactNode, type RefObject, useRef } from "react";
import styles from "./CodeField.module.css";
import { describedBy, Field } from "./Field";
import { digitsOf } from "./text";

const LENGTH = 6;
const BOXES = ["1", "2", "3", "4", "5", "6"];

interface CodeFieldProps {
  id: string;
  label: string;
  hideLabel?: boolean;
  value: string;
  onChange(digits: string): void;
  /** Called with a complete code once it is typed, pasted or filled in. */
  onComplete?(digits: string): void;
  hint?: ReactNode;
  error?: ReactNode;
  field: RefObject<HTMLInputElement | null>;
  autoFocus?: boolean;
  readOnly?: boolean;
  autoComplete?: "one-time-code" | "off";
}

/**
 * Six digits in one input, so that password managers, pasting and screen readers work; the boxes are decoration.
 * A code is submitted once: correcting a digit of a rejected one submits nothing until the button is pressed.
 */
export function CodeField(props: CodeFieldProps) {
  const { id, label, value, hint, error, field, autoComplete = "one-time-code" } = props;
  const { change, composed } = useAutoSubmit(props);

  return (
    <Field id={id} label={label} hideLabel={props.hideLabel} hint={hint} error={error}>
      <div className={styles.code}>
        <div className={styles.lens}>
          <input
            {...describedBy(id, error)}
            ref={field}
            className={styles.input}
            type="text"
            inputMode="numeric"
            autoComplete={autoComplete}
            autoCapitalize="none"
            enterKeyHint="go"
            spellCheck={false}
            value={value}
            readOnly={props.readOnly}
            // biome-ignore lint/a11y/noAutofocus: this field is the purpose of the page, and its hint is read with it
            autoFocus={props.autoFocus}
            onChange={change}
            onCompositionEnd={composed}
          />
        </div>
        <div className={styles.boxes} aria-hidden="true">
          {BOXES.map((box) => (
            <span key={box} className={styles.box} />
          ))}
        </div>
      </div>
    </Field>
  );
}

function useAutoSubmit({ onChange, onComplete }: CodeFieldProps) {
  const submitted = useRef("");
  const fresh = useRef(true);

  const read = (input: HTMLInputElement, byKey: boolean) => {
    const digits = digitsOf(input.value);
    const code = digits.slice(0, LENGTH);
    onChange(code);

    const atEnd = (input.selectionStart ?? input.value.length) >= input.value.length;
    // Typing from the start, pasting or filling makes a new code; single keys in a submitted one only correct it.
    if (!byKey || digits.length <= 1) fresh.current = true;
    if (digits.length !== LENGTH || !atEnd || !fresh.current || code === submitted.current) return;
    fresh.current = false;
    submitted.current = code;
    onComplete?.(code);
  };

  return {
    change: (event: ChangeEvent<HTMLInputElement>) => {
      const input = event.nativeEvent as InputEvent;
      if (input.isComposing) onChange(event.target.value);
      else read(event.target, isOneKey(input));
    },
    composed: (event: { currentTarget: HTMLInputElement }) => read(event.currentTarget, true),
  };
}

function isOneKey({ inputType = "", data }: InputEvent): boolean {
  return inputType.startsWith("delete") || (inputType === "insertText" && data?.length === 1);
}
