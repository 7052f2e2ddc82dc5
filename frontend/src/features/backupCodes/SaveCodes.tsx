import { useState } from "react";
import { ProblemText } from "../../lib/ProblemText";
import { useAttempt } from "../../lib/useAttempt";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { type CodesFile, download, fileName, fileText } from "./codesFile";
import styles from "./SaveCodes.module.css";
import { useUnloadGuard } from "./useUnloadGuard";

interface SaveCodesProps {
  app: string;
  account: string;
  codes: readonly string[];
  onContinue(): Promise<void>;
}

/** The ten codes, shown once. Anyone who has copied, downloaded or printed them may continue. */
export function SaveCodes({ app, account, codes, onContinue }: SaveCodesProps) {
  const [date] = useState(() => new Date());
  const [saved, setSaved] = useState(false);
  const { run: goOn, busy, problem } = useAttempt(onContinue);
  useUnloadGuard(!saved);

  const file: CodesFile = { app, account, codes, date, url: window.location.origin };
  const text = fileText(file);
  const markSaved = () => setSaved(true);

  return (
    <div className={styles.save}>
      <p className={styles.sheetHead}>{text.slice(0, text.indexOf(codes[0] ?? ""))}</p>
      <ol className={styles.codes} aria-label="Backup codes">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ol>
      <div className={styles.ways}>
        <CopyButton text={text} label="Copy" onCopied={markSaved} />
        <Button
          onClick={() => {
            download(fileName(file), text);
            markSaved();
          }}
        >
          Download
        </Button>
        <Button
          onClick={() => {
            window.print();
            markSaved();
          }}
        >
          Print
        </Button>
      </div>
      <div className={styles.go}>
        {problem && (
          <Alert tone="danger">
            <ProblemText problem={problem} />
          </Alert>
        )}
        <Button
          look="primary"
          busy={busy}
          disabled={!saved}
          aria-describedby="save-first"
          onClick={() => goOn()}
        >
          Continue
        </Button>
        <p id="save-first" aria-live="polite" className={styles.hint}>
          {saved
            ? "Keep them somewhere you can find without your phone."
            : "Copy, download or print them first."}
        </p>
      </div>
    </div>
  );
}
