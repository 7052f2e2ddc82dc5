import { useAuth, useLogin } from "../../lib/auth";
import { SIX_DIGITS, SIXTEEN_CHARACTERS, useCodeForm } from "../../lib/useCodeForm";
import { Button } from "../../ui/Button";
import { CodeField } from "../../ui/CodeField";
import { Form } from "../../ui/Form";
import { LongCodeField } from "../../ui/LongCodeField";

export function EmailCodeForm() {
  const { verifyEmailCode } = useAuth();
  const isLong = useLogin().code_length === 16;
  const form = useCodeForm(isLong ? SIXTEEN_CHARACTERS : SIX_DIGITS, (code) =>
    verifyEmailCode(code),
  );
  const shared = {
    id: "email-code",
    label: "Email code",
    autoComplete: "one-time-code" as const,
  };

  return (
    <Form onSubmit={() => form.submit()} slow={form.slow}>
      {isLong ? (
        <LongCodeField
          {...shared}
          {...form.fieldProps}
          hint="16 characters. Dashes and capitals do not matter."
        />
      ) : (
        <CodeField {...shared} {...form.fieldProps} autoFocus onComplete={form.submit} />
      )}
      <Button type="submit" look="primary" busy={form.busy}>
        Continue
      </Button>
    </Form>
  );
}
