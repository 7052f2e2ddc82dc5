import { useEffect } from "react";
import type { Attempt } from "../../lib/useAttempt";
import { SIX_DIGITS, useCodeFormFor } from "../../lib/useCodeForm";
import { Button } from "../../ui/Button";
import { CodeField } from "../../ui/CodeField";
import { Form } from "../../ui/Form";
import styles from "./ConfirmForm.module.css";

interface ConfirmFormProps {
  confirmation: Attempt<[code: string]>;
  /** The person has followed a link to an app on this phone, and will come back with a code. */
  appOpened: boolean;
}

/** Proves that the app has the key. A wrong code does not change the key. */
export function ConfirmForm({ confirmation, appOpened }: ConfirmFormProps) {
  const form = useCodeFormFor(SIX_DIGITS, confirmation);
  const { field } = form.fieldProps;
  useEffect(() => {
    if (!appOpened) return;
    const back = () => {
      if (document.visibilityState !== "visible") return;
      field.current?.focus({ preventScroll: true });
      field.current?.scrollIntoView({ block: "center" });
    };
    document.addEventListener("visibilitychange", back);
    return () => document.removeEventListener("visibilitychange", back);
  }, [appOpened, field]);

  return (
    <div className={styles.confirm}>
      <Form onSubmit={() => form.submit()} slow={form.slow}>
        <CodeField
          id="code"
          label="Six-digit code"
          hideLabel
          onComplete={form.submit}
          {...form.fieldProps}
        />
        <Button type="submit" look="primary" busy={form.busy}>
          Complete setup
        </Button>
      </Form>
    </div>
  );
}
