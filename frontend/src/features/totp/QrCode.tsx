import { useState } from "react";
import styles from "./QrCode.module.css";

const MIN_SIZE = 200;

/** How many times to enlarge a QR image so that it scans well: a whole number, so that its modules stay equal squares. */
export const qrScale = (pixels: number) => Math.max(1, Math.ceil(MIN_SIZE / Math.max(1, pixels)));

/** A real image, so that phones and browser extensions can read it. It is black on white in every theme. */
export function QrCode({ src, issuer }: { src: string; issuer: string }) {
  const [size, setSize] = useState<number>();
  return (
    <div className={styles.sheet}>
      <img
        className={styles.image}
        src={src}
        width={size}
        height={size}
        alt={`QR code that adds ${issuer} to an authenticator app. You can type the setup key instead.`}
        onLoad={({ currentTarget: { naturalWidth } }) =>
          setSize(naturalWidth * qrScale(naturalWidth))
        }
      />
    </div>
  );
}
