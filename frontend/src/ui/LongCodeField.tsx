import type { ChangeEvent, ReactNode, RefObject } from "react";
import { TextField } from "./TextField";
import { grouped } from "./text";

interface LongCodeFieldProps {
  id: string;
  label: string;
  value: string;
  onChange(value: string): void;
  hint?: ReactNode;
  error?: ReactNode;
  field: RefObject<HTMLInputElement | null>;
  readOnly?: boolean;
  autoComplete?: "one-time-code" | "off";
  autoFocus?: boolean;
}

/** Sixteen letters and digits, in any case, with or without dashes. It adds dashes only while you type at the end. */
export function LongCodeField(props: LongCodeFieldProps) {
  const { onChange, autoComplete = "off", autoFocus = true, ...rest } = props;
  const change = (event: ChangeEvent<HTMLInputElement>) => {
    const { value, selectionStart } = event.target;
    const kind = (event.nativeEvent as InputEvent).inputType ?? "";
    const isAppending = !kind.startsWith("delete") && (selectionStart ?? 0) >= value.length;
    onChange(isAppending ? grouped(value) : value);
  };

  return (
    <TextField
      {...rest}
      mono
      autoFocus={autoFocus}
      autoComplete={autoComplete}
      autoCapitalize="characters"
      autoCorrect="off"
      enterKeyHint="go"
      spellCheck={false}
      placeholder="XXXX-XXXX-XXXX-XXXX"
      onChange={change}
    />
  );
}
