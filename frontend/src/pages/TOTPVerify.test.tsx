import { fireEvent, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { openWith, refusal, signedIn, status } from "../test-login";

afterEach(() => vi.unstubAllGlobals());

const open = (answers: Record<string, () => Response>, path = "/totp-verify") =>
  openWith(answers, path);

const codeField = () =>
  screen.findByLabelText<HTMLInputElement>("Six-digit code", {}, { timeout: 4000 });

test("a link to another step leads to the one the login is at", async () => {
  open({ "/auth/status": status() }, "/mfa-enroll");

  expect(await codeField()).toBeTruthy();
});

test("a wrong code is selected again and sent no second time", async () => {
  const asked = open({
    "/auth/status": status(),
    "/auth/totp/verify": refusal(401, "invalid_code", { tries_left: 2 }),
  });
  const field = await codeField();

  fireEvent.input(field, { target: { value: "123456" } });

  expect(await screen.findByText("That code is wrong. 2 tries left, then a pause.")).toBeTruthy();
  expect([field.selectionStart, field.selectionEnd]).toEqual([0, 6]);
  expect(asked.filter(({ path }) => path === "/auth/totp/verify")).toHaveLength(1);
});

test("a right code of somebody without backup codes shows new ones, says why, and leads home once they are saved", async () => {
  const codes = Array.from({ length: 10 }, (_, index) => `AAAA-BBBB-CCCC-DDD${index}`);
  open({
    "/auth/status": status(),
    "/auth/totp/verify": signedIn({ backup_codes: codes }),
  });
  const act = userEvent.setup();

  fireEvent.input(await codeField(), { target: { value: "123456" } });

  expect(await screen.findByRole("heading", { name: "Save your backup codes" })).toBeTruthy();
  expect(screen.getByText(/You had no backup codes that still work/)).toBeTruthy();
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual(codes);
  await act.click(screen.getByRole("button", { name: "Copy" }));
  await act.click(screen.getByRole("button", { name: "Continue" }));
  expect(await screen.findByRole("heading", { name: "Alice" })).toBeTruthy();
});

test("a guarded account is asked for two codes in a row", async () => {
  open({ "/auth/status": status(), "/auth/totp/verify": refusal(409, "guarded") });

  fireEvent.input(await codeField(), { target: { value: "123456" } });

  expect(await screen.findByLabelText("The next code")).toBeTruthy();
});

test("a login that has run out leads back to the sign-in, with a word about why", async () => {
  open({ "/auth/status": status(), "/auth/totp/verify": refusal(401, "login_expired") });

  fireEvent.input(await codeField(), { target: { value: "123456" } });

  expect(await screen.findByText(/took too long and has ended/)).toBeTruthy();
  expect(screen.getByLabelText("E-mail")).toBeTruthy();
});

test("the last tries are announced before the next one, with what follows", async () => {
  open({ "/auth/status": status({ tries_left: 1 }) });

  expect((await codeField()).getAttribute("aria-describedby")).toContain("code-hint");
  expect(screen.getByText(/1 try left, then a pause\./)).toBeTruthy();
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
  expect(screen.getByText(/we ask for two codes that follow each other\.$/)).toBeTruthy();
  expect(screen.queryByRole("link", { name: "Use a backup code" })).toBeNull();
});

const LOCKED = { tries_left: null, retry_after: 900 };
const olderField = () =>
  screen.findByLabelText<HTMLInputElement>("The code your app shows now", {}, { timeout: 4000 });
const lockedHeading = () =>
  screen.findByRole("heading", { name: "Account locked" }, { timeout: 4000 });
const pairButton = () => screen.getByRole("button", { name: "Enter two codes in a row" });
const enter = (label: string, value: string) =>
  fireEvent.input(screen.getByLabelText(label), { target: { value } });

async function enterPair() {
  await userEvent.click(pairButton());
  enter("The code your app shows now", "123456");
  enter("The next code", "654321");
}

test("the fifth wrong code starts a countdown, and offers the ways in without a wait", async () => {
  open({
    "/auth/status": status(),
    "/auth/totp/verify": refusal(429, "account_locked", { retry_after: 900 }),
  });

  fireEvent.input(await codeField(), { target: { value: "123456" } });

  expect(await lockedHeading()).toBe(document.activeElement);
  expect(screen.getByText(/^Too many wrong codes\. You can try one code again/)).toBeTruthy();
  expect(screen.getByRole("timer").textContent).toMatch(/^1[45]:/);
  expect(pairButton()).toBeTruthy();
  await userEvent.click(screen.getByRole("link", { name: "Use a backup code" }));
  expect(await screen.findByLabelText("Backup code")).toBe(document.activeElement);
});

test("two codes in a row sign in during a lock", async () => {
  const asked = open({ "/auth/status": status(LOCKED), "/auth/totp/verify": signedIn() });
  await lockedHeading();

  await userEvent.click(pairButton());
  expect(await olderField()).toBe(document.activeElement);
  await userEvent.keyboard("123456");
  expect(document.activeElement).toBe(screen.getByLabelText("The next code"));
  await userEvent.keyboard("654321");

  expect(await screen.findByRole("heading", { name: "Alice" })).toBeTruthy();
  expect(asked).toContainEqual({
    path: "/auth/totp/verify",
    body: { codes: ["123456", "654321"] },
  });
});

test("two wrong codes during a lock show their error in place, and the way back leads to the countdown", async () => {
  open({ "/auth/status": status(LOCKED), "/auth/totp/verify": refusal(401, "invalid_code") });
  await lockedHeading();
  await enterPair();

  expect(await screen.findByText(/Both must be new and follow each other/)).toBeTruthy();
  expect((await olderField()).value).toBe("123456");

  await userEvent.click(screen.getByRole("button", { name: "Wait instead" }));
  expect(await lockedHeading()).toBe(document.activeElement);
  expect(screen.getByRole("timer").textContent).toMatch(/^1[45]:/);
});

test("the wait for two codes is shown in place, and is not confused with the lock's", async () => {
  open({
    "/auth/status": status(LOCKED),
    "/auth/totp/verify": refusal(429, "account_locked", { retry_after: 2520 }),
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

test("two half-typed codes stay when the lock ends", async () => {
  let now = status({ ...LOCKED, retry_after: 1 });
  open({ "/auth/status": () => now() });
  await lockedHeading();
  await userEvent.click(pairButton());
  enter("The code your app shows now", "123456");
  now = status();

  const one = await screen.findByRole(
    "button",
    { name: "Enter one code instead" },
    { timeout: 4000 },
  );
  expect((await olderField()).value).toBe("123456");
  await userEvent.click(one);
  expect(await codeField()).toBe(document.activeElement);
});

test("on a guarded account, two codes have to wait, but a backup code does not", async () => {
  open({ "/auth/status": status({ ...LOCKED, guarded: true }) });
  await lockedHeading();

  expect(screen.getByText(/You can try two codes again/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Enter two codes in a row" })).toBeNull();
  expect(screen.getByRole("link", { name: "Use a backup code" })).toBeTruthy();
});

test("when the login ends during the lock, the page keeps counting down and offers nothing that needs the login", async () => {
  open({ "/auth/status": status({ ...LOCKED, expires_in: 0 }) });
  await lockedHeading();

  expect(screen.getByText(/go back to sign-in and enter your password again/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Enter two codes in a row" })).toBeNull();
  expect(screen.queryByRole("link", { name: "Use a backup code" })).toBeNull();
  expect(screen.getByRole("timer")).toBeTruthy();
});

test("when the login ends while two codes are typed during a lock, it is announced, then the countdown appears", async () => {
  open({ "/auth/status": status({ ...LOCKED, expires_in: 2 }) });
  await lockedHeading();
  await userEvent.click(pairButton());

  expect(await screen.findByText(/^This sign-in ends in \d s\./)).toBeTruthy();
  expect(await lockedHeading()).toBeTruthy();
});
