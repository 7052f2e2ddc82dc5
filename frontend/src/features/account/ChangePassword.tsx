import { ProblemText } from "../../lib/ProblemText";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import { Form } from "../../ui/Form";
import { PasswordField } from "../../ui/PasswordField";
import { useJudgment } from "./useJudgment";
import { usePasswordForm } from "./usePasswordForm";

/** Changes the password. If a second factor is needed, it is asked for in between. */
export function ChangePassword({ email }: { email: string }) {
  const form = usePasswordForm();
  if (form.changed)
    return (
      <Alert>
        <p>Your password was changed, and you were signed out everywhere else.</p>
        <p>From now on, sign in with the new one.</p>
      </Alert>
    );
  return (
    <>
      <Form onSubmit={form.submit}>
        {/* It tells password managers whose password this is. */}
        <input hidden readOnly name="username" autoComplete="username" value={email} />
        <PasswordField
          id="current-password"
          label="Current password"
          name="current-password"
          autoComplete="current-password"
          enterKeyHint="next"
          {...form.current}
        />
        <PasswordField
          id="new-password"
          label="New password"
          name="new-password"
          autoComplete="new-password"
          enterKeyHint="go"
          hint={!form.chosen.error && <Judgment password={form.chosen.value} />}
          {...form.chosen}
        />
        {form.problem && (
          <Alert tone="danger">
            <p className="numbers">
              <ProblemText problem={form.problem} />
            </p>
          </Alert>
        )}
        <Button type="submit" look="primary" busy={form.busy}>
          Change password
        </Button>
      </Form>
      {form.dialog}
    </>
  );
}

/** Says while someone is typing what the server thinks of the password. */
function Judgment({ password }: { password: string }) {
  const weakness = useJudgment(password);
  return (
    <span aria-live="polite">
      {weakness === null && "A few unrelated words make a good password."}
      {weakness === "" ? "This password is strong enough." : weakness}
    </span>
  );
}
