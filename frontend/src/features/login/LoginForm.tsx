import { useAuth } from "../../lib/auth";
import { ProblemText } from "../../lib/ProblemText";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";
import { FieldButton } from "../../ui/FieldButton";
import { Form } from "../../ui/Form";
import { PasswordField } from "../../ui/PasswordField";
import { TextField } from "../../ui/TextField";
import { useLoginForm } from "./useLoginForm";

export function LoginForm() {
  const { signIn } = useAuth();
  const form = useLoginForm(signIn);

  return (
    <Form onSubmit={form.submit} slow={form.slow}>
      <TextField
        id="email"
        label="Email"
        type="email"
        name="username"
        autoComplete="username"
        enterKeyHint="next"
        autoCapitalize="none"
        spellCheck={false}
        aside={form.notMe && <FieldButton onClick={form.notMe}>Not you?</FieldButton>}
        {...form.email}
      />
      <PasswordField
        id="password"
        label="Password"
        name="password"
        autoComplete="current-password"
        enterKeyHint="go"
        {...form.password}
      />
      {form.formProblem && (
        <Alert tone={form.blocked ? "warning" : "danger"}>
          <p className="numbers">
            <ProblemText problem={form.formProblem} />
          </p>
        </Alert>
      )}
      <Button type="submit" look="primary" busy={form.busy} disabled={form.blocked}>
        Sign in
      </Button>
    </Form>
  );
}
