import { useRef, useState } from "react";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import styles from "./StartOver.module.css";

interface StartOverProps {
  busy: boolean;
  onConfirm(): Promise<unknown>;
}

/** Asks before making a new key, because the entry just added then stops working. */
export function StartOver({ busy, onConfirm }: StartOverProps) {
  const [isAsking, setIsAsking] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const close = () => {
    setIsAsking(false);
    opener.current?.focus();
  };
  return (
    <>
      <Button
        look="link"
        ref={opener}
        aria-expanded={isAsking}
        onClick={() => setIsAsking(!isAsking)}
      >
        Start over with a new key
      </Button>
      {isAsking && (
        <Alert tone="warning">
          <p>
            With a new key, the entry you just added to your app stops working. Delete that entry,
            then scan again. If you only mistyped a code, you do not need a new key.
          </p>
          <div className={styles.choice}>
            <Button busy={busy} onClick={() => onConfirm().then(close)}>
              Make a new key
            </Button>
            <Button look="link" onClick={close}>
              Keep this one
            </Button>
          </div>
        </Alert>
      )}
    </>
  );
}
