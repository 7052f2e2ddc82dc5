import { type ComponentProps, useState } from "react";
import styles from "./PasswordField.module.css";
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
        <button
          type="button"
          className={styles.toggle}
          aria-controls={props.id}
          onClick={() => setShown(!shown)}
        >
          <span className="visually-hidden">{shown ? "Hide password" : "Show password"}</span>
          <span aria-hidden="true">{shown ? "Hide" : "Show"}</span>
        </button>
      }
    />
  );
}
