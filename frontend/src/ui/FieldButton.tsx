import type { ButtonHTMLAttributes } from "react";
import styles from "./FieldButton.module.css";

/** A small button on the label's line of a field. */
export function FieldButton(props: ButtonHTMLAttributes<HTMLButtonElement>) {
  return <button type="button" {...props} className={styles.button} />;
}
