import type { Enrollment } from "../../lib/api";
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
  enrollment: Enrollment;
  onTouch: boolean;
}

/** Three ways to add the key to an app. A phone cannot scan its own screen, so there the links come first. */
export function AddKey({ enrollment, onTouch }: AddKeyProps) {
  return onTouch ? (
    <ForThisPhone enrollment={enrollment} />
  ) : (
    <ForAnotherDevice enrollment={enrollment} />
  );
}

function ForAnotherDevice({ enrollment }: { enrollment: Enrollment }) {
  return (
    <div className={styles.columns}>
      <QrCode src={enrollment.qr_code} issuer={enrollment.issuer} />
      <KeyDetails enrollment={enrollment} />
    </div>
  );
}

function ForThisPhone({ enrollment }: { enrollment: Enrollment }) {
  return (
    <div className={styles.stack}>
      <ButtonLink look="primary" href={enrollment.provisioning_uri}>
        Open in authenticator app
      </ButtonLink>
      {isApple() && (
        <ButtonLink href={appleUri(enrollment.provisioning_uri)}>Add to Apple Passwords</ButtonLink>
      )}
      <KeyDetails enrollment={enrollment} />
      <details className={styles.other}>
        <summary>Use another device</summary>
        <p>Scan this with the app on the other device.</p>
        <QrCode src={enrollment.qr_code} issuer={enrollment.issuer} />
      </details>
    </div>
  );
}

function KeyDetails({ enrollment }: { enrollment: Enrollment }) {
  return (
    <div className={styles.details}>
      <SecretKey secret={enrollment.secret} />
      <div className={styles.copies}>
        <CopyButton text={enrollment.secret} label="Copy key" />
        <CopyButton look="link" text={enrollment.provisioning_uri} label="Copy setup link" />
      </div>
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
