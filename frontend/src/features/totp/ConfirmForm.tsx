import { useEffect } from "react";
import { ApiProblem } from "../../lib/api";
import { useAuth } from "../../lib/auth";
import { SIX_DIGITS, useCodeForm } from "../../lib/useCodeForm";
import { Button } from "../../ui/Button";
import { CodeField } from "../../ui/CodeField";
import { Form } from "../../ui/Form";
import styles from "./ConfirmForm.module.css";

interface ConfirmFormProps {
  /** The person has followed a link to an app on this phone, and will come back with a code. */
  appOpened: boolean;
  onKeyExpired(): void;
}

/** Proves that the app has the key. A wrong code does not change the key. */
export function ConfirmForm({ appOpened, onKeyExpired }: ConfirmFormProps) {
  const { confirmEnrollment } = useAuth();
  const form = useCodeForm(SIX_DIGITS, async (code) => {
    try {
      await confirmEnrollment(code);
    } catch (fault) {
      if (fault instanceof ApiProblem && fault.code === "enrolment_expired") onKeyExpired();
      throw fault;
    }
  });

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
