import type { Enrolment } from "../../lib/api";
import { ButtonLink } from "../../ui/ButtonLink";
import { CopyButton } from "../../ui/CopyButton";
import styles from "./AddKey.module.css";
import { QrCode } from "./QrCode";
import { SecretKey } from "./SecretKey";

/** iPhone, iPad or Mac; an iPad identifies as a Mac. */
const isApple = () => /iPhone|iPad|iPod|Macintosh/.test(navigator.userAgent);

/** The same link, but for the system's own password app. */
const appleUri = (uri: string) => uri.replace(/^otpauth:/, "apple-otpauth:");

interface AddKeyProps {
  enrolment: Enrolment;
  onTouch: boolean;
}

/** Three ways to bring the key into an app; on a phone, which cannot scan itself, the links come first. */
export function AddKey({ enrolment, onTouch }: AddKeyProps) {
  return onTouch ? (
    <ForThisPhone enrolment={enrolment} />
  ) : (
    <ForAnotherDevice enrolment={enrolment} />
  );
}

function ForAnotherDevice({ enrolment }: { enrolment: Enrolment }) {
  return (
    <div className={styles.columns}>
      <QrCode src={enrolment.qr_code} issuer={enrolment.issuer} />
      <KeyDetails enrolment={enrolment} />
    </div>
  );
}

function ForThisPhone({ enrolment }: { enrolment: Enrolment }) {
  return (
    <div className={styles.stack}>
      <ButtonLink look="primary" href={enrolment.provisioning_uri}>
        Open in authenticator app
      </ButtonLink>
      {isApple() && (
        <ButtonLink href={appleUri(enrolment.provisioning_uri)}>Add to Apple Passwords</ButtonLink>
      )}
      <KeyDetails enrolment={enrolment} />
      <details className={styles.other}>
        <summary>Use another device</summary>
        <p>Scan this with the app on the other device.</p>
        <QrCode src={enrolment.qr_code} issuer={enrolment.issuer} />
      </details>
    </div>
  );
}

function KeyDetails({ enrolment }: { enrolment: Enrolment }) {
  return (
    <div className={styles.details}>
      <SecretKey secret={enrolment.secret} />
      <div className={styles.copies}>
        <CopyButton text={enrolment.secret} label="Copy key" />
        <CopyButton look="link" text={enrolment.provisioning_uri} label="Copy setup link" />
      </div>
      <dl className={styles.facts}>
        <dt>Account</dt>
        <dd>{enrolment.account}</dd>
        <dt>Issuer</dt>
        <dd>{enrolment.issuer}</dd>
        <dt>Type</dt>
        <dd>
          time-based, 6 digits, 30&nbsp;s, <span className={styles.whole}>SHA-1</span>
        </dd>
      </dl>
    </div>
  );
}
