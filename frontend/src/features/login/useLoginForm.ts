import { type ChangeEvent, type KeyboardEvent, useEffect, useState } from "react";
import { ApiProblem } from "../../lib/api";
import { forgetEmail, rememberedEmail } from "../../lib/memory";
import { sentenceFor } from "../../lib/reasons";
import { useAttempt } from "../../lib/useAttempt";
import { useMarkedField } from "../../lib/useMarkedField";
import { useSecondsLeft } from "../../lib/useSecondsLeft";

const MISSING = {
  email: "Enter your email address, like name@example.com.",
  password: "Enter your password.",
};

type FieldName = keyof typeof MISSING;

function missing(email: string, password: string): FieldName[] {
  const looksValid = /^[^\s@]+@[^\s@]+$/.test(email);
  return [...(looksValid ? [] : ["email" as const]), ...(password ? [] : ["password" as const])];
}

function check(email: string, password: string): void {
  const fields = missing(email, password);
  if (fields.length === 0) return;
  const errors = fields.map((field) => ({ field, message: MISSING[field] }));
  throw new ApiProblem({ code: "invalid_request", errors });
}

/** The first field with an error, and its message. */
function fieldError(problem: ApiProblem | null): Partial<Record<FieldName, string>> {
  if (problem?.code === "invalid_credentials") {
    return { password: sentenceFor({ ...problem, detail: problem.detail, wait: 0 }) };
  }
  if (problem?.code !== "invalid_request") return {};
  const named = (["email", "password"] as const).find((name) =>
    problem.errors.some(({ field }) => field.endsWith(name)),
  );
  return named ? { [named]: MISSING[named] } : {};
}

export function useLoginForm(signIn: (email: string, password: string) => Promise<void>) {
  const [email, setEmail] = useState(rememberedEmail);
  const [password, setPassword] = useState("");
  const { run, busy, slow, problem, clear } = useAttempt(async () => {
    check(email.trim(), password);
    await signIn(email.trim(), password);
  });

  const errors = busy ? {} : fieldError(problem);
  const emailField = useMarkedField(errors.email && problem);
  const passwordField = useMarkedField(errors.password && problem);
  const wait = useSecondsLeft(problem?.retryAt ?? null);
  const blocked = wait > 0;

  useEffect(() => {
    const first = rememberedEmail() ? passwordField : emailField;
    first.current?.focus();
  }, [emailField, passwordField]);

  return {
    busy,
    slow,
    blocked,
    /** A problem that belongs to no field, unless it was a wait that is over. */
    formProblem:
      busy || errors.email || errors.password || (problem?.retryAt && !blocked) ? null : problem,
    submit: () => {
      if (!blocked) void run();
    },
    /** Forgets the address kept from before, if it is still in the field. */
    notMe:
      email && email === rememberedEmail()
        ? () => {
            forgetEmail();
            setEmail("");
            clear();
            emailField.current?.focus();
          }
        : undefined,
    email: {
      value: email,
      error: errors.email,
      readOnly: busy,
      field: emailField,
      onChange: (event: ChangeEvent<HTMLInputElement>) => {
        setEmail(event.target.value);
        // The wait is only for the account that was tried.
        if (problem?.code === "throttled" || errors.email) clear();
      },
      onKeyDown: (event: KeyboardEvent) => {
        if (event.key !== "Enter" || !email || password) return;
        event.preventDefault();
        passwordField.current?.focus();
      },
    },
    password: {
      value: password,
      error: errors.password,
      readOnly: busy,
      field: passwordField,
      onChange: (event: ChangeEvent<HTMLInputElement>) => {
        setPassword(event.target.value);
        if (problem?.code === "invalid_request") clear();
      },
    },
  };
}
