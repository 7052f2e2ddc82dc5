import { useAuth } from "../../lib/auth";
import { SIXTEEN_CHARACTERS, useCodeForm } from "../../lib/useCodeForm";
import { Button } from "../../ui/Button";
import { Form } from "../../ui/Form";
import { LongCodeField } from "../../ui/LongCodeField";

export function BackupCodeForm() {
  const { verifyBackupCode } = useAuth();
  const form = useCodeForm(SIXTEEN_CHARACTERS, verifyBackupCode);
  return (
    <Form onSubmit={() => form.submit()} slow={form.slow}>
      <LongCodeField
        id="backup-code"
        label="Backup code"
        hint="16 characters. Dashes, spaces and capitals do not matter."
        {...form.fieldProps}
      />
      <Button type="submit" look="primary" busy={form.busy}>
        Sign in
      </Button>
    </Form>
  );
}
