import { ApiProblem } from "../../lib/api";
import { useAuth } from "../../lib/auth";
import { SIX_DIGITS, useCodeForm } from "../../lib/useCodeForm";
import { Button } from "../../ui/Button";
import { CodeField } from "../../ui/CodeField";
import { Form } from "../../ui/Form";
import styles from "./ConfirmForm.module.css";

/** Proves that the app has the key. A wrong code does not change the key. */
export function ConfirmForm({ onKeyExpired }: { onKeyExpired(): void }) {
  const { confirmEnrollment } = useAuth();
  const form = useCodeForm(SIX_DIGITS, async (code) => {
    try {
      await confirmEnrollment(code);
    } catch (fault) {
      if (fault instanceof ApiProblem && fault.code === "enrolment_expired") onKeyExpired();
      throw fault;
    }
  });

  return (
    <div className={styles.confirm}>
      <Form onSubmit={() => form.submit()} slow={form.slow}>
        <CodeField id="code" label="Six-digit code" onComplete={form.submit} {...form.fieldProps} />
        <Button type="submit" look="primary" busy={form.busy}>
          Complete setup
        </Button>
      </Form>
    </div>
  );
}
