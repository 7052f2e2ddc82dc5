import { useAuth, useLogin } from "../../lib/auth";
import { EntryHint } from "../../lib/EntryHint";
import { FEW_TRIES, triesLeft } from "../../lib/reasons";
import { SIX_DIGITS, useCodeForm } from "../../lib/useCodeForm";
import { Button } from "../../ui/Button";
import { CodeField } from "../../ui/CodeField";
import { Form } from "../../ui/Form";

export function TotpForm() {
  const { verifyTotp } = useAuth();
  const { tries_left: left = null, next_pause: nextPause = null, step } = useLogin();
  const form = useCodeForm(SIX_DIGITS, verifyTotp);
  const isQuiet = !form.problem && !form.busy;

  return (
    <Form onSubmit={() => form.submit()} slow={form.slow}>
      <CodeField
        id="code"
        label="Six-digit code"
        hint={
          <>
            <EntryHint />
            {isQuiet &&
              left !== null &&
              left <= FEW_TRIES &&
              ` ${triesLeft(left, nextPause, step)}`}
          </>
        }
        autoFocus
        onComplete={form.submit}
        {...form.fieldProps}
      />
      <Button type="submit" look="primary" busy={form.busy}>
        Sign in
      </Button>
    </Form>
  );
}
