import { expect, test } from "vitest";
import type { LoginState, User } from "./api";
import { type AuthState, after, inProgress, signedIn, signedOut } from "./authState";
import { mayStay, pathOf, STEP_PATH } from "./steps";

const user: User = {
  id: "1",
  email: "alice@student.com",
  display_name: "Alice",
  role: "user",
  mfa_enabled: true,
  backup_codes_left: 10,
};

const login = (step: LoginState["step"]): LoginState => ({
  step,
  email: "a…e@student.com",
  expires_at: "2026-01-01T00:05:00Z",
  expires_in: 300,
  code_length: null,
  resend_after: null,
  sender: null,
  needs_ticket: false,
  guarded: false,
  factors: step === "totp" ? ["totp", "backup_codes"] : [],
  tries_left: null,
  retry_after: null,
});

const done = {
  step: "done",
  access_token: "t",
  token_type: "bearer",
  expires_in: 1800,
  user,
} as const;

test.each([
  ["email_code", "/email-code"],
  ["enroll", "/mfa-enroll"],
  ["totp", "/totp-verify"],
] as const)("a login at step %s may be on %s and nowhere else", (step, path) => {
  const state = inProgress(login(step));

  expect(pathOf(state)).toBe(path);
  const others = Object.values(STEP_PATH).filter((other) => other !== path);
  expect(others.filter((other) => mayStay(state, other))).toEqual([]);
});

test("the backup-code page is open at the second factor only", () => {
  expect(mayStay(inProgress(login("totp")), "/backup-code")).toBe(true);
  expect(mayStay(inProgress(login("enroll")), "/backup-code")).toBe(false);
  expect(mayStay(signedOut(), "/backup-code")).toBe(false);
});

test("a page that needs a session is open to anyone signed in, and to nobody else", () => {
  const isOpen = (state: AuthState) => mayStay(state, "/sessions", true);

  expect(isOpen(signedIn(user))).toBe(true);
  expect(isOpen(signedOut())).toBe(false);
  expect(isOpen(inProgress(login("totp")))).toBe(false);
  expect(mayStay(signedIn(user), "/sessions")).toBe(false);
});

test("if the service does not list the factors yet, all are offered, but only at the second factor", () => {
  const unnamed = (step: LoginState["step"]) => {
    const { factors, ...rest } = login(step);
    return inProgress(rest as LoginState);
  };

  expect(unnamed("totp")).toMatchObject({ login: { factors: ["totp", "backup_codes"] } });
  expect(unnamed("enroll")).toMatchObject({ login: { factors: [] } });
});

test("if the password is enough, it leads home at once, with or without an authenticator", () => {
  for (const mfa_enabled of [false, true]) {
    const state = after({ ...done, user: { ...user, mfa_enabled } }, signedOut());

    expect(state).toEqual(signedIn({ ...user, mfa_enabled }));
    expect(pathOf(state)).toBe(STEP_PATH.done);
  }
});

test("new backup codes keep their owner on the enrollment page until they are saved", () => {
  const state = after(
    { ...done, backup_codes: ["AAAA-BBBB-CCCC-DDDD"] },
    inProgress(login("enroll")),
  );

  expect(pathOf(state)).toBe("/mfa-enroll");
  expect(mayStay(state, "/")).toBe(false);
  expect(pathOf(signedIn(user))).toBe("/");
});

test("codes shown at a sign-in are distinguished from those shown at the setup", () => {
  const shown = { ...done, backup_codes: ["AAAA-BBBB-CCCC-DDDD"] };

  expect(after(shown, inProgress(login("totp")))).toMatchObject({ at: "codes", why: "none_left" });
  expect(after(shown, inProgress(login("enroll")))).toMatchObject({ at: "codes", why: "first" });
});

test("after a sign-in with a backup code, the state knows how many are left", () => {
  const state = after({ ...done, backup_codes_left: 3 }, inProgress(login("totp")));

  expect(state).toMatchObject({
    at: "signed_in",
    usedBackupCode: true,
    user: { backup_codes_left: 3 },
  });
});

test("the waits of a login count from the arrival of the response, whatever the browser's clock says", () => {
  const state = inProgress({ ...login("totp"), retry_after: 60 }, 1000);

  expect(state).toMatchObject({ login: { expiresAt: 301_000, unlocksAt: 61_000 } });
});
