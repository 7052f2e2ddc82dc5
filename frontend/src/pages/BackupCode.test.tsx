import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { expectFocus, openWith, problem, type Responder, signedIn, status } from "../test-login";

const LOCKED = { tries_left: null, retry_after: 900 };

const open = (responses: Record<string, Responder>) => openWith(responses, "/backup-code");
const field = () => screen.findByLabelText<HTMLInputElement>("Backup code");

async function enter() {
  await userEvent.type(await field(), "AAAABBBBCCCCDDDD{Enter}");
}

test("a backup code signs in during a lock", async () => {
  open({
    "/auth/status": status(LOCKED),
    "/auth/backup-code/verify": signedIn({ backup_codes_left: 9 }),
  });

  await enter();

  expect(await screen.findByRole("heading", { name: "Alice" })).toBeTruthy();
});

test("the error for a wrong one during a lock is shown at the field", async () => {
  open({
    "/auth/status": status(LOCKED),
    "/auth/backup-code/verify": problem(401, "invalid_code"),
  });

  await enter();

  expect(await screen.findByText("That code is wrong.")).toBeTruthy();
  expect((await field()).value).toBe("AAAA-BBBB-CCCC-DDDD");
});

test("a used one is named as such", async () => {
  open({
    "/auth/status": status(),
    "/auth/backup-code/verify": problem(401, "code_already_used", { tries_left: 5 }),
  });

  await enter();

  expect(await screen.findByText("That code was already used. Enter another one.")).toBeTruthy();
});

test("a lock that begins here shows its countdown, with a link back here", async () => {
  open({
    "/auth/status": status(),
    "/auth/backup-code/verify": problem(429, "account_locked", { retry_after: 900 }),
  });

  await enter();

  await expectFocus(await screen.findByRole("heading", { name: "Account locked" }));
  await userEvent.click(screen.getByRole("link", { name: "Use a backup code" }));
  expect(await field()).toBeTruthy();
});

test("a login that expires here during a lock leads to the countdown", async () => {
  open({ "/auth/status": status({ ...LOCKED, expires_in: 0 }) });

  expect(await screen.findByRole("timer")).toBeTruthy();
  expect(screen.getByText(/enter your password again/)).toBeTruthy();
});

test("someone who has used all codes is told to use the app", async () => {
  open({ "/auth/status": status({ factors: ["totp"] }) });

  const title = await screen.findByRole("heading", { name: "Use a backup code" });
  await expectFocus(title);
  expect(screen.getByText(/^You have no backup codes left\./)).toBeTruthy();
  expect(screen.queryByLabelText("Backup code")).toBeNull();
  await userEvent.click(screen.getByRole("link", { name: "Use your app instead" }));
  expect(await screen.findByLabelText("Six-digit code")).toBeTruthy();
});
