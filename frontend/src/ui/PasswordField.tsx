import { type ComponentProps, useState } from "react";
import { FieldButton } from "./FieldButton";
import { TextField } from "./TextField";

/** A password field that can show what was typed. It allows pasting and password managers. */
export function PasswordField(props: Omit<ComponentProps<typeof TextField>, "type" | "aside">) {
  const [shown, setShown] = useState(false);
  return (
    <TextField
      {...props}
      type={shown ? "text" : "password"}
      autoCapitalize="none"
      spellCheck={false}
      aside={
        <FieldButton aria-controls={props.id} onClick={() => setShown(!shown)}>
          <span className="visually-hidden">{shown ? "Hide password" : "Show password"}</span>
          <span aria-hidden="true">{shown ? "Hide" : "Show"}</span>
        </FieldButton>
      }
    />
  );
}
