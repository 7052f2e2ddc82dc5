import { useState } from "react";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import styles from "./StartOver.module.css";

interface StartOverProps {
  busy: boolean;
  onConfirm(): Promise<unknown>;
}

/** Asks before it makes a new key, because that kills the entry just scanned. */
export function StartOver({ busy, onConfirm }: StartOverProps) {
  const [asking, setAsking] = useState(false);
  if (!asking) {
    return (
      <Button look="link" onClick={() => setAsking(true)}>
        Start over with a new key
      </Button>
    );
  }
  return (
    <Alert tone="warning">
      <p>
        A new key makes the entry you just added to your app useless. Delete that entry, then scan
        again. You do not need this after a mistyped code.
      </p>
      <div className={styles.choice}>
        <Button busy={busy} onClick={() => onConfirm().then(() => setAsking(false))}>
          Make a new key
        </Button>
        <Button look="link" onClick={() => setAsking(false)}>
          Keep this one
        </Button>
      </div>
    </Alert>
  );
}
