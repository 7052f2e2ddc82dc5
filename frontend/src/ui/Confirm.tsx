import { useState } from "react";
import { Button } from "./Button";
import styles from "./Confirm.module.css";

interface ConfirmProps {
  label: string;
  question: string;
  onConfirm(): void;
}

/** A button that asks before it acts. */
export function Confirm({ label, question, onConfirm }: ConfirmProps) {
  const [isAsking, setIsAsking] = useState(false);
  if (!isAsking) {
    return (
      <Button look="link" onClick={() => setIsAsking(true)}>
        {label}
      </Button>
    );
  }
  return (
    <fieldset className={styles.choice}>
      <legend className="visually-hidden">{question}</legend>
      <Button
        look="link"
        onClick={() => {
          setIsAsking(false);
          onConfirm();
        }}
      >
        Yes, {label.toLowerCase()}
      </Button>
      <Button look="link" autoFocus onClick={() => setIsAsking(false)}>
        Cancel
      </Button>
    </fieldset>
  );
}
