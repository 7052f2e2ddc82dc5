import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { MemoryRouter } from "react-router";
import { afterEach, expect, test, vi } from "vitest";
import { App } from "../App";
import { AuthProvider } from "../lib/auth";

const login = {
  step: "totp",
  email: "a…e@student.com",
  expires_at: "2026-01-01T00:05:00Z",
  expires_in: 300,
  code_length: null,
  resend_after: null,
  sender: null,
  guarded: false,
  tries_left: 5,
  retry_after: null,
};

afterEach(() => vi.unstubAllGlobals());

async function openWith(answers: Record<string, () => Response>, path = "/totp-verify") {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url.replace("/api", ""));
    return answers[url.replace("/api", "")]?.() ?? new Response("{}", { status: 404 });
  });
  render(
    <MemoryRouter initialEntries={[path]}>
      <AuthProvider>
        <App />
      </AuthProvider>
    </MemoryRouter>,
  );
  return asked;
}

const status =
  (more: object = {}) =>
  () =>
    Response.json({ app_name: "Acme", signed_in: false, login: { ...login, ...more } });

const refusal =
  (httpStatus: number, code: string, more = {}) =>
  () =>
    new Response(JSON.stringify({ code, detail: "", ...more }), { status: httpStatus });

const codeField = () =>
  screen.findByLabelText<HTMLInputElement>("Six-digit code", {}, { timeout: 4000 });

test("a link to another step leads to the one the login is at", async () => {
  await openWith({ "/auth/status": status() }, "/mfa-enroll");

  expect(await codeField()).toBeTruthy();
});

test("a wrong code is selected again and sent no second time", async () => {
  const asked = await openWith({
    "/auth/status": status(),
    "/auth/totp/verify": refusal(401, "invalid_code", { tries_left: 2 }),
  });
  const field = await codeField();

  fireEvent.input(field, { target: { value: "123456" } });

  expect(await screen.findByText(/2 tries left/)).toBeTruthy();
  expect([field.selectionStart, field.selectionEnd]).toEqual([0, 6]);
  expect(asked.filter((path) => path === "/auth/totp/verify")).toHaveLength(1);
});

test("a right code of somebody without backup codes shows new ones, says why, and leads home once they are saved", async () => {
  const codes = Array.from({ length: 10 }, (_, index) => `AAAA-BBBB-CCCC-DDD${index}`);
  await openWith({
    "/auth/status": status(),
    "/auth/totp/verify": () =>
      Response.json({
        step: "done",
        access_token: "t",
        token_type: "bearer",
        expires_in: 1800,
        user: {
          id: "1",
          email: "alice@student.com",
          display_name: "Alice",
          role: "user",
          mfa_enabled: true,
          backup_codes_left: 10,
        },
        backup_codes: codes,
      }),
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
  await openWith({ "/auth/status": status(), "/auth/totp/verify": refusal(409, "guarded") });

  fireEvent.input(await codeField(), { target: { value: "123456" } });

  expect(await screen.findByLabelText("The next code")).toBeTruthy();
});

test("a login that has run out leads back to the sign-in, with a word about why", async () => {
  await openWith({ "/auth/status": status(), "/auth/totp/verify": refusal(401, "login_expired") });

  fireEvent.input(await codeField(), { target: { value: "123456" } });

  expect(await screen.findByText(/took too long and has ended/)).toBeTruthy();
  expect(screen.getByLabelText("E-mail")).toBeTruthy();
});
