import type { Enrollment } from "../../lib/api";
import { ButtonLink } from "../../ui/ButtonLink";
import { CopyButton } from "../../ui/CopyButton";
import styles from "./AddKey.module.css";
import { DemoPhoneLink } from "./DemoPhoneLink";
import { QrCode } from "./QrCode";
import { SecretKey } from "./SecretKey";

/** iPhone, iPad or Mac; an iPad identifies as a Mac. */
const isApple = () => /iPhone|iPad|iPod|Macintosh/.test(navigator.userAgent);

/** The same link, but for the system's own password app. */
const appleUri = (uri: string) => uri.replace(/^otpauth:/, "apple-otpauth:");

/** Ways to add the key to an app without scanning. */
export function AddKey({ enrollment }: { enrollment: Enrollment }) {
  return (
    <div className={styles.stack}>
      <SecretKey secret={enrollment.secret} />
      <div className={styles.copies}>
        <CopyButton text={enrollment.secret} label="Copy key" />
        <CopyButton look="link" text={enrollment.provisioning_uri} label="Copy setup link" />
        {__DEMO__ && <DemoPhoneLink uri={enrollment.provisioning_uri} />}
      </div>
    </div>
  );
}

interface AddKeyOnPhoneProps {
  enrollment: Enrollment;
  /** Called when the link to an app is followed. */
  onOpen(): void;
}

/** A phone cannot scan its own screen, so there the links come first. */
export function AddKeyOnPhone({ enrollment, onOpen }: AddKeyOnPhoneProps) {
  return (
    <div className={styles.stack}>
      <ButtonLink look="primary" href={enrollment.provisioning_uri} onClick={onOpen}>
        Open in authenticator app
      </ButtonLink>
      {isApple() && (
        <ButtonLink href={appleUri(enrollment.provisioning_uri)} onClick={onOpen}>
          Add to Apple Passwords
        </ButtonLink>
      )}
      <AddKey enrollment={enrollment} />
      <details className={styles.other}>
        <summary>Use another device</summary>
        <ScanKey enrollment={enrollment} />
      </details>
    </div>
  );
}

/** The QR code, and what the app will show. */
export function ScanKey({ enrollment }: { enrollment: Enrollment }) {
  return (
    <div className={styles.stack}>
      <QrCode src={enrollment.qr_code} issuer={enrollment.issuer} />
      <dl className={styles.facts}>
        <dt>Account</dt>
        <dd>{enrollment.account}</dd>
        <dt>Issuer</dt>
        <dd>{enrollment.issuer}</dd>
        <dt>Type</dt>
        <dd>
          time-based, 6 digits, 30&nbsp;s, <span className={styles.whole}>SHA-1</span>
        </dd>
      </dl>
    </div>
  );
}
