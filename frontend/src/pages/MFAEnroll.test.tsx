import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { MemoryRouter } from "react-router";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { App } from "../App";
import { AuthProvider } from "../lib/auth";

const login = {
  step: "enroll",
  email: "a…e@student.com",
  expires_at: "2026-01-01T00:05:00Z",
  expires_in: 300,
  code_length: null,
  resend_after: null,
  sender: null,
  guarded: false,
  factors: [],
  tries_left: 5,
  retry_after: null,
};

const user = {
  id: "1",
  email: "alice@student.com",
  display_name: "Alice",
  role: "user",
  mfa_enabled: true,
  backup_codes_left: 10,
};

const FIRST = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const SECOND = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU";

const enrollment = (secret: string) => ({
  secret,
  provisioning_uri: `otpauth://totp/Acme:alice?secret=${secret}&issuer=Acme`,
  qr_code: "data:image/png;base64,AAAA",
  issuer: "Acme",
  account: "alice@student.com",
  expires_at: "2026-01-01T00:15:00Z",
  expires_in: 900,
});

const problem = (status: number, code: string, more = {}) =>
  new Response(JSON.stringify({ code, detail: "", ...more }), { status });

let confirm: () => Response;
let requests: { path: string; body: string }[];

beforeEach(() => {
  requests = [];
  confirm = () => problem(401, "invalid_code", { tries_left: 4 });
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    const body = String(init.body ?? "");
    requests.push({ path, body });
    if (path === "/api/auth/status") {
      return Response.json({ app_name: "Acme", signed_in: false, login });
    }
    if (path === "/api/auth/mfa/enroll") {
      return Response.json(enrollment(body.includes("restart") ? SECOND : FIRST));
    }
    if (path === "/api/auth/mfa/confirm") return confirm();
    return problem(404, "not_found");
  });
});

afterEach(() => vi.unstubAllGlobals());

async function open() {
  render(
    <MemoryRouter initialEntries={["/mfa-enroll"]}>
      <AuthProvider>
        <App />
      </AuthProvider>
    </MemoryRouter>,
  );
  const field = await screen.findByLabelText<HTMLInputElement>(
    "Six-digit code",
    {},
    { timeout: 4000 },
  );
  await screen.findByText("Setup key");
  return field;
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
  const field = await open();

  enter(field, "123456");

  expect(await screen.findByText(/That code is wrong\. 4 tries left\./)).toBeTruthy();
  expect(field.value).toBe("123456");
  expect(shownKey()).toBe(FIRST);
  expect(requests.some(({ body }) => body.includes("restart"))).toBe(false);
});

test("starting over asks first, then shows the new key", async () => {
  const events = userEvent.setup();
  await open();

  await events.click(screen.getByRole("button", { name: /Start over/ }));
  expect(screen.getByText(/the entry you just added to your app stops working/)).toBeTruthy();
  expect(shownKey()).toBe(FIRST);

  await events.click(screen.getByRole("button", { name: "Make a new key" }));
  await waitFor(() => expect(shownKey()).toBe(SECOND));
});

test("too many wrong codes lock the account and start a countdown", async () => {
  confirm = () => problem(429, "account_locked", { retry_after: 900 });
  const field = await open();

  enter(field, "123456");

  expect(await screen.findByRole("heading", { name: "Account locked" })).toBeTruthy();
  expect(screen.getByRole("timer").textContent).toMatch(/^1[45]:/);
  expect(screen.queryByText(/get in now/)).toBeNull();
});

test("a correct code shows the backup codes, and the account page only after they are saved", async () => {
  const codes = Array.from({ length: 10 }, (_, index) => `AAAA-BBBB-CCCC-DDD${index}`);
  confirm = () =>
    Response.json({
      step: "done",
      access_token: "t",
      token_type: "bearer",
      expires_in: 1800,
      user,
      backup_codes: codes,
    });
  const events = userEvent.setup();
  const field = await open();

  enter(field, "123456");
  expect(await screen.findByRole("heading", { name: "Save your backup codes" })).toBeTruthy();
  expect(screen.queryByText(/You had no working backup codes/)).toBeNull();

  await events.click(screen.getByRole("button", { name: "Copy" }));
  await events.click(screen.getByRole("button", { name: "Continue" }));
  expect(await screen.findByRole("heading", { name: "Alice" })).toBeTruthy();
});
