import type { TOTP } from "otpauth";
import { useState } from "react";
import { Confirm } from "../../ui/Confirm";
import { copy } from "../../ui/text";
import { codeAt, spaced } from "./entries";
import styles from "./PhoneAccount.module.css";

interface PhoneAccountProps {
  entry: TOTP;
  /** The phone's time, in ms since the epoch. */
  time: number;
  onRemove(): void;
}

/** One account: its code, which a click copies, and how long it is shown. */
export function PhoneAccount({ entry, time, onRemove }: PhoneAccountProps) {
  const { code, secondsLeft } = codeAt(entry, time);
  const [copied, setCopied] = useState<string | null>(null);
  const press = async () => setCopied((await copy(code)) ? code : null);

  return (
    <li className={styles.account}>
      <div className={styles.names}>
        <strong className={styles.issuer}>{entry.issuer || entry.label}</strong>
        {entry.issuer && <span className={styles.label}>{entry.label}</span>}
      </div>
      <Ring part={secondsLeft / entry.period} seconds={secondsLeft} />
      <button type="button" className={styles.code} onClick={press}>
        <span className="visually-hidden">Copy </span>
        {spaced(code)}
      </button>
      <div className={styles.row}>
        <span aria-live="polite" className={styles.copied}>
          {copied === code && "Copied"}
        </span>
        <Confirm label="Remove" question="Remove this account?" onConfirm={onRemove} />
      </div>
    </li>
  );
}

function Ring({ part, seconds }: { part: number; seconds: number }) {
  return (
    <div className={styles.time} role="timer" aria-live="off">
      <svg className={styles.ring} viewBox="0 0 36 36" aria-hidden="true" focusable="false">
        <circle className={styles.track} cx="18" cy="18" r="16" />
        <circle
          className={styles.left}
          cx="18"
          cy="18"
          r="16"
          pathLength={100}
          strokeDasharray="100"
          strokeDashoffset={100 - part * 100}
        />
      </svg>
      <span className={styles.seconds}>
        {seconds}
        <span className="visually-hidden"> seconds left</span>
      </span>
    </div>
  );
}
