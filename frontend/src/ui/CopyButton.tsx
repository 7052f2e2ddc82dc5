import { useEffect, useState } from "react";
import { Button } from "./Button";
import styles from "./CopyButton.module.css";
import { copy } from "./text";

interface CopyButtonProps {
  text: string;
  label: string;
  look?: "quiet" | "link";
  onCopied?(): void;
}

type Outcome = "idle" | "copied" | "failed";

const ANNOUNCEMENTS: Record<Outcome, string> = {
  idle: "",
  copied: "Copied",
  failed: "Not copied. Select it and copy it yourself.",
};

/** Copies, and shows the outcome for two seconds without changing its width. */
export function CopyButton({ text, label, look = "quiet", onCopied }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<Outcome>("idle");

  useEffect(() => {
    if (outcome === "idle") return;
    const timer = setTimeout(() => setOutcome("idle"), 2000);
    return () => clearTimeout(timer);
  }, [outcome]);

  const press = async () => {
    const copied = await copy(text);
    setOutcome(copied ? "copied" : "failed");
    if (copied) onCopied?.();
  };

  return (
    <>
      <Button look={look} onClick={press}>
        <span className={styles.stack}>
          <span className={outcome === "idle" ? undefined : styles.hidden}>{label}</span>
          <span aria-hidden="true" className={outcome === "idle" ? styles.hidden : undefined}>
            {outcome === "failed" ? "Not copied" : "Copied"}
          </span>
        </span>
      </Button>
      <span aria-live="polite" className="visually-hidden">
        {ANNOUNCEMENTS[outcome]}
      </span>
    </>
  );
}
