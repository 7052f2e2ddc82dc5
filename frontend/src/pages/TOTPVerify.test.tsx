import { fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { expectFocus, openWith, problem, type Responder, signedIn, status } from "../test-login";

const open = (responses: Record<string, Responder>, path = "/totp-verify") =>
  openWith(responses, path);

/** Move the clock forward; it stands still otherwise, so a slow machine cannot end a lock early. */
const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

const codeField = () => screen.findByLabelText<HTMLInputElement>("Six-digit code");

test("a link to another step leads to the current step of the login", async () => {
  open({ "/auth/status": status() }, "/mfa-enroll");

  expect(await codeField()).toBeTruthy();
});

test("a wrong code is selected, and is not sent again", async () => {
  const requests = open({
    "/auth/status": status(),
    "/auth/totp/verify": problem(401, "invalid_code", { tries_left: 2, next_pause: 900 }),
  });
  const field = await codeField();

  fireEvent.input(field, { target: { value: "123456" } });

  expect(
    await screen.findByText("That code is wrong. 2 tries left, then a 15-minute pause."),
  ).toBeTruthy();
  await waitFor(() => expect([field.selectionStart, field.selectionEnd]).toEqual([0, 6]));
  expect(requests.filter(({ path }) => path === "/auth/totp/verify")).toHaveLength(1);
});

test("a correct code from someone without backup codes shows new ones, says why, and leads home once they are saved", async () => {
  const codes = Array.from({ length: 10 }, (_, index) => `AAAA-BBBB-CCCC-DDD${index}`);
  open({
    "/auth/status": status(),
    "/auth/totp/verify": signedIn({ backup_codes: codes }),
  });
  const user = userEvent.setup();

  fireEvent.input(await codeField(), { target: { value: "123456" } });

  expect(await screen.findByRole("heading", { name: "Save your backup codes" })).toBeTruthy();
  expect(screen.getByText(/You had no working backup codes left/)).toBeTruthy();
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual(codes);
  await user.click(screen.getByRole("button", { name: "Copy" }));
  await user.click(screen.getByRole("button", { name: "Continue" }));
  expect(await screen.findByRole("heading", { name: "Alice" })).toBeTruthy();
});

test("a guarded account is asked for two codes in a row", async () => {
  open({ "/auth/status": status(), "/auth/totp/verify": problem(409, "guarded") });

  fireEvent.input(await codeField(), { target: { value: "123456" } });

  expect(await screen.findByLabelText("The next code")).toBeTruthy();
});

test("an expired login leads back to the sign-in, and says why", async () => {
  open({
    "/auth/status": status({ expires_in: 2 }),
    "/auth/totp/verify": problem(401, "login_expired"),
  });

  fireEvent.input(await codeField(), { target: { value: "123456" } });

  expect(await screen.findByText(/took too long and has expired/)).toBeTruthy();
  expect(screen.getByLabelText("Email")).toBeTruthy();
});

test("when a login ends early, the page suggests allowing cookies", async () => {
  open({ "/auth/status": status(), "/auth/totp/verify": problem(401, "login_expired") });

  fireEvent.input(await codeField(), { target: { value: "123456" } });

  expect(await screen.findByText(/has ended, perhaps in another tab/)).toBeTruthy();
});

test("the last tries, and what follows them, are announced before the next one", async () => {
  open({ "/auth/status": status({ tries_left: 1 }) });

  expect((await codeField()).getAttribute("aria-describedby")).toContain("code-hint");
  expect(screen.getByText(/1 try left, then a 15-minute pause\./)).toBeTruthy();
});

test("a backup code is offered to those who have one", async () => {
  open({ "/auth/status": status() });
  await codeField();

  expect(screen.getByRole("link", { name: "Use a backup code" })).toBeTruthy();
});

test("a backup code is not offered to those who have none", async () => {
  open({
    "/auth/status": status({ factors: ["totp"], guarded: true }),
  });

  expect(await olderField()).toBeTruthy();
  expect(screen.getByText(/enter two codes in a row\.$/)).toBeTruthy();
  expect(screen.queryByRole("link", { name: "Use a backup code" })).toBeNull();
});

const LOCKED = { tries_left: null, retry_after: 900 };
const olderField = () => screen.findByLabelText<HTMLInputElement>("The code your app shows now");
const lockedHeading = () => screen.findByRole("heading", { name: "Account locked" });
const pairButton = () => screen.getByRole("button", { name: "Enter two codes in a row" });
const enter = (label: string, value: string) =>
  fireEvent.input(screen.getByLabelText(label), { target: { value } });

async function enterPair() {
  await userEvent.click(pairButton());
  enter("The code your app shows now", "123456");
  enter("The next code", "654321");
}

test("the fifth wrong code starts a countdown, and the page offers the factors that work now", async () => {
  open({
    "/auth/status": status(),
    "/auth/totp/verify": problem(429, "account_locked", { retry_after: 900 }),
  });

  fireEvent.input(await codeField(), { target: { value: "123456" } });

  await expectFocus(await lockedHeading());
  expect(screen.getByText(/^Too many wrong codes\. You can try one code again/)).toBeTruthy();
  expect(screen.getByRole("timer").textContent).toMatch(/^1[45]:/);
  expect(pairButton()).toBeTruthy();
  await userEvent.click(screen.getByRole("link", { name: "Use a backup code" }));
  await expectFocus(await screen.findByLabelText("Backup code"));
});

test("two codes in a row sign in during a lock", async () => {
  const requests = open({ "/auth/status": status(LOCKED), "/auth/totp/verify": signedIn() });
  await lockedHeading();

  await userEvent.click(pairButton());
  await expectFocus(await olderField());
  await userEvent.keyboard("123456");
  await expectFocus(screen.getByLabelText("The next code"));
  await userEvent.keyboard("654321");

  expect(await screen.findByRole("heading", { name: "Alice" })).toBeTruthy();
  expect(requests).toContainEqual({
    path: "/auth/totp/verify",
    body: { codes: ["123456", "654321"] },
  });
});

test("the error for two wrong codes during a lock is shown at the field, and the way back leads to the countdown", async () => {
  open({ "/auth/status": status(LOCKED), "/auth/totp/verify": problem(401, "invalid_code") });
  await lockedHeading();
  await enterPair();

  expect(await screen.findByText(/Both codes must be new, one right after the other/)).toBeTruthy();
  expect((await olderField()).value).toBe("123456");

  await userEvent.click(screen.getByRole("button", { name: "Wait instead" }));
  await expectFocus(await lockedHeading());
  expect(screen.getByRole("timer").textContent).toMatch(/^1[45]:/);
});

test("the wait for two codes is shown at the field, and is not confused with the lock's", async () => {
  open({
    "/auth/status": status(LOCKED),
    "/auth/totp/verify": problem(429, "account_locked", { retry_after: 2520 }),
  });
  await lockedHeading();
  await enterPair();

  const [shown] = await screen.findAllByText(
    /^Too many wrong codes\. You can try again in 4[12] min/,
  );
  expect(shown).toBeTruthy();
  expect(await olderField()).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Wait instead" }));
  expect(screen.getByRole("timer").textContent).toMatch(/^1[45]:/);
});

test("half-typed codes stay when the lock ends", async () => {
  let now = status({ ...LOCKED, retry_after: 60 });
  open({ "/auth/status": () => now() });
  await lockedHeading();
  await userEvent.click(pairButton());
  enter("The code your app shows now", "123456");
  now = status();
  pass(60);

  const one = await screen.findByRole("button", { name: "Enter one code instead" });
  expect((await olderField()).value).toBe("123456");
  await userEvent.click(one);
  await expectFocus(await codeField());
});

test("on a guarded account, two codes have to wait, but a backup code does not", async () => {
  open({ "/auth/status": status({ ...LOCKED, guarded: true }) });
  await lockedHeading();

  expect(screen.getByText(/You can try two codes again/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Enter two codes in a row" })).toBeNull();
  expect(screen.getByRole("link", { name: "Use a backup code" })).toBeTruthy();
});

test("when the login expires during the lock, the page keeps counting down and offers nothing that needs the login", async () => {
  open({ "/auth/status": status({ ...LOCKED, expires_in: 0 }) });
  await lockedHeading();

  expect(screen.getByText(/go back to sign-in and enter your password again/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Enter two codes in a row" })).toBeNull();
  expect(screen.queryByRole("link", { name: "Use a backup code" })).toBeNull();
  expect(screen.getByRole("timer")).toBeTruthy();
});

test("a login that expires while two codes are typed during a lock is announced, then the countdown appears", async () => {
  open({ "/auth/status": status({ ...LOCKED, expires_in: 300 }) });
  await lockedHeading();
  await userEvent.click(pairButton());

  pass(295);
  expect(await screen.findByText(/^This sign-in expires in 5 s\./)).toBeTruthy();
  pass(5);
  expect(await lockedHeading()).toBeTruthy();
});
