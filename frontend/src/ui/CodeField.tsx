import { type ChangeEvent, type ReactNode, type RefObject, useRef } from "react";
import styles from "./CodeField.module.css";
import { describedBy, Field } from "./Field";
import { digitsOf } from "./text";

const LENGTH = 6;
const BOXES = ["1", "2", "3", "4", "5", "6"];

interface CodeFieldProps {
  id: string;
  label: string;
  value: string;
  onChange(digits: string): void;
  /** Called with a whole code that was typed to its end, pasted or filled in. */
  onComplete?(digits: string): void;
  hint?: ReactNode;
  error?: ReactNode;
  field: RefObject<HTMLInputElement | null>;
  autoFocus?: boolean;
  readOnly?: boolean;
  autoComplete?: "one-time-code" | "off";
}

/**
 * Six digits in one plain input, so that password managers, paste and screen readers work; the boxes are only drawn.
 * A code is offered once: correcting a digit in the middle of a refused one offers nothing until the button is pressed.
 */
export function CodeField(props: CodeFieldProps) {
  const { id, label, value, hint, error, field, autoComplete = "one-time-code" } = props;
  const { change, composed } = useOffer(props);

  return (
    <Field id={id} label={label} hint={hint} error={error}>
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
            // biome-ignore lint/a11y/noAutofocus: the page has this one thing to do, and its hint is read with the field
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

function useOffer({ onChange, onComplete }: CodeFieldProps) {
  const offered = useRef("");
  const fresh = useRef(true);

  const take = (input: HTMLInputElement, byKey: boolean) => {
    const digits = digitsOf(input.value);
    const code = digits.slice(0, LENGTH);
    onChange(code);

    const atEnd = (input.selectionStart ?? input.value.length) >= input.value.length;
    // Typing from the start, or a paste or fill, makes a new code; single keys in an offered one only correct it.
    if (!byKey || digits.length <= 1) fresh.current = true;
    if (digits.length !== LENGTH || !atEnd || !fresh.current || code === offered.current) return;
    fresh.current = false;
    offered.current = code;
    onComplete?.(code);
  };

  return {
    change: (event: ChangeEvent<HTMLInputElement>) => {
      const input = event.nativeEvent as InputEvent;
      if (input.isComposing) onChange(event.target.value);
      else take(event.target, isOneKey(input));
    },
    composed: (event: { currentTarget: HTMLInputElement }) => take(event.currentTarget, true),
  };
}

function isOneKey({ inputType = "", data }: InputEvent): boolean {
  return inputType.startsWith("delete") || (inputType === "insertText" && data?.length === 1);
}
