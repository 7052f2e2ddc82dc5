import { useState } from "react";
import { ApiProblem, api, type SteppedUp } from "../../lib/api";
import { EntryHint } from "../../lib/EntryHint";
import { ProblemText } from "../../lib/ProblemText";
import { useAttempt } from "../../lib/useAttempt";
import { SIX_DIGITS, SIXTEEN_CHARACTERS, useCodeForm } from "../../lib/useCodeForm";
import { useMarkedField } from "../../lib/useMarkedField";
import { usePairForm } from "../../lib/usePairForm";
import { Button } from "../../ui/Button";
import { CodeField } from "../../ui/CodeField";
import { Form } from "../../ui/Form";
import { LongCodeField } from "../../ui/LongCodeField";
import { PasswordField } from "../../ui/PasswordField";

/** How someone confirms that it is them. */
export type Way = "code" | "pair" | "backup" | "password";

interface Verifying {
  /** Waits for the server's answer, and continues if it is a yes. */
  verify(response: Promise<SteppedUp>): Promise<void>;
}

const FORMS = {
  code: OneCode,
  pair: TwoCodes,
  backup: BackupCode,
  password: PasswordAlone,
};

export function StepUpForm({ way, verify }: Verifying & { way: Way }) {
  const Form = FORMS[way];
  return <Form verify={verify} />;
}

function OneCode({ verify }: Verifying) {
  const form = useCodeForm(SIX_DIGITS, (code) => verify(api.stepUp({ code })));
  return (
    <Form onSubmit={() => form.submit()} slow={form.slow}>
      <CodeField
        id="step-up-code"
        label="Six-digit code"
        hint={<EntryHint />}
        autoFocus
        onComplete={form.submit}
        {...form.fieldProps}
      />
      <Confirm busy={form.busy} />
    </Form>
  );
}

function TwoCodes({ verify }: Verifying) {
  const form = usePairForm((older, newer) => verify(api.stepUp({ codes: [older, newer] })));
  return (
    <Form onSubmit={() => form.submit()} slow={form.slow}>
      <CodeField id="step-up-older" {...form.older} />
      <CodeField id="step-up-newer" {...form.newer} />
      <Confirm busy={form.busy} />
    </Form>
  );
}

function BackupCode({ verify }: Verifying) {
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const { run, busy, slow, problem } = useAttempt(async () => {
    if (!password) throw new ApiProblem(NO_PASSWORD);
    if (!SIXTEEN_CHARACTERS.isComplete(code))
      throw new ApiProblem({ code: "incomplete", detail: SIXTEEN_CHARACTERS.message });
    await verify(api.stepUpWithBackupCode(code, password));
  });
  const aboutPassword = isAboutPassword(problem) ? problem : null;
  const aboutCode = aboutPassword ? null : problem;
  return (
    <Form onSubmit={() => run()} slow={slow}>
      <OwnPassword value={password} onChange={setPassword} busy={busy} problem={aboutPassword} />
      <LongCodeField
        id="step-up-backup-code"
        label="Backup code"
        hint="16 characters. Dashes, spaces and capitals do not matter."
        value={code}
        onChange={setCode}
        field={useMarkedField(aboutCode)}
        error={!busy && aboutCode && <ProblemText problem={aboutCode} />}
        readOnly={busy}
      />
      <Confirm busy={busy} />
    </Form>
  );
}

function PasswordAlone({ verify }: Verifying) {
  const [password, setPassword] = useState("");
  const { run, busy, slow, problem } = useAttempt(async () => {
    if (!password) throw new ApiProblem(NO_PASSWORD);
    await verify(api.stepUpWithPassword(password));
  });
  return (
    <Form onSubmit={() => run()} slow={slow}>
      <OwnPassword value={password} onChange={setPassword} busy={busy} problem={problem} />
      <Confirm busy={busy} />
    </Form>
  );
}

interface OwnPasswordProps {
  value: string;
  onChange(value: string): void;
  busy: boolean;
  problem: ApiProblem | null;
}

function OwnPassword({ value, onChange, busy, problem }: OwnPasswordProps) {
  return (
    <PasswordField
      id="step-up-password"
      label="Password"
      name="password"
      autoComplete="current-password"
      enterKeyHint="go"
      autoFocus
      value={value}
      onChange={(event) => onChange(event.target.value)}
      field={useMarkedField(problem)}
      error={!busy && problem && <PasswordProblem problem={problem} />}
      readOnly={busy}
    />
  );
}

const NO_PASSWORD = { code: "no_password", detail: "Enter your password." };

const isAboutPassword = (problem: ApiProblem | null) =>
  problem?.code === NO_PASSWORD.code || problem?.code === "invalid_credentials";

/** The account is known here, so only the password can be wrong. */
function PasswordProblem({ problem }: { problem: ApiProblem }) {
  return problem.code === "invalid_credentials" ? (
    "That password is wrong."
  ) : (
    <ProblemText problem={problem} />
  );
}

function Confirm({ busy }: { busy: boolean }) {
  return (
    <Button type="submit" look="primary" busy={busy}>
      Confirm
    </Button>
  );
}
