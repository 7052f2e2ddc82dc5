import { useRef, useState } from "react";
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
  const opener = useRef<HTMLButtonElement>(null);
  const close = () => {
    setAsking(false);
    opener.current?.focus();
  };
  return (
    <>
      <Button look="link" ref={opener} aria-expanded={asking} onClick={() => setAsking(!asking)}>
        Start over with a new key
      </Button>
      {asking && (
        <Alert tone="warning">
          <p>
            A new key makes the entry you just added to your app useless. Delete that entry, then
            scan again. You do not need this after a mistyped code.
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
