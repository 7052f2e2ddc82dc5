import { fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { openWith, problem, type Responder, signedIn, status } from "../test-login";

const FIRST = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const SECOND = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU";

const enrollment = (secret: string) =>
  Response.json({
    secret,
    provisioning_uri: `otpauth://totp/Acme:alice?secret=${secret}&issuer=Acme`,
    qr_code: "data:image/png;base64,AAAA",
    issuer: "Acme",
    account: "alice@student.com",
    expires_at: "2026-01-01T00:15:00Z",
    expires_in: 900,
  });

async function open(confirm: Responder = problem(401, "invalid_code", { tries_left: 4 })) {
  const requests = openWith(
    {
      "/auth/status": status({ step: "enroll", factors: [] }),
      "/auth/mfa/enroll": (body) => enrollment(body.restart ? SECOND : FIRST),
      "/auth/mfa/confirm": confirm,
    },
    "/mfa-enroll",
  );
  const field = await screen.findByLabelText<HTMLInputElement>("Six-digit code", {});
  await screen.findByText("Setup key");
  return { field, requests };
}

const shownKey = () => document.querySelector("code")?.textContent;
const enter = (field: HTMLInputElement, code: string) =>
  fireEvent.input(field, { target: { value: code } });

test("the key contains no spaces, so that selecting and copying it gets the whole key", async () => {
  await open();

  expect(shownKey()).toBe(FIRST);
  expect(screen.getByRole("img", { name: /QR code/ })).toBeTruthy();
});

test("a wrong code shows an error, and the key, the code and the page stay", async () => {
  const { field, requests } = await open();

  enter(field, "123456");

  expect(await screen.findByText(/That code is wrong\. 4 tries left\./)).toBeTruthy();
  expect(field.value).toBe("123456");
  expect(shownKey()).toBe(FIRST);
  expect(requests.filter(({ path }) => path === "/auth/mfa/enroll")).toHaveLength(1);
});

test("starting over asks first, then shows the new key", async () => {
  const act = userEvent.setup();
  await open();

  await act.click(screen.getByRole("button", { name: /Start over/ }));
  expect(screen.getByText(/the entry you just added to your app stops working/)).toBeTruthy();
  expect(shownKey()).toBe(FIRST);

  await act.click(screen.getByRole("button", { name: "Make a new key" }));
  await waitFor(() => expect(shownKey()).toBe(SECOND));
  expect(screen.getByText(/^This is a new key\./)).toBeTruthy();
});

test("a key that has expired is replaced", async () => {
  const { field, requests } = await open(problem(410, "enrolment_expired"));

  enter(field, "123456");

  expect(await screen.findByText(/^This setup key has expired\./)).toBeTruthy();
  expect(requests.filter(({ path }) => path === "/auth/mfa/enroll")).toHaveLength(2);
});

test("too many wrong codes lock the account and start a countdown", async () => {
  const { field } = await open(problem(429, "account_locked", { retry_after: 900 }));

  enter(field, "123456");

  expect(await screen.findByRole("heading", { name: "Account locked" })).toBeTruthy();
  expect(screen.getByRole("timer").textContent).toMatch(/^1[45]:/);
  expect(screen.queryByText(/get in now/)).toBeNull();
});

test("a correct code shows the backup codes, and the account page only after they are saved", async () => {
  const codes = Array.from({ length: 10 }, (_, index) => `AAAA-BBBB-CCCC-DDD${index}`);
  const act = userEvent.setup();
  const { field } = await open(signedIn({ backup_codes: codes }));

  enter(field, "123456");
  expect(await screen.findByRole("heading", { name: "Save your backup codes" })).toBeTruthy();
  expect(screen.queryByText(/You had no working backup codes/)).toBeNull();

  await act.click(screen.getByRole("button", { name: "Copy" }));
  await act.click(screen.getByRole("button", { name: "Continue" }));
  expect(await screen.findByRole("heading", { name: "Alice" })).toBeTruthy();
});
