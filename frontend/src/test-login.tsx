/** For tests of pages: the whole app, with a stubbed server. */
import { render, waitFor } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { expect, vi } from "vitest";
import { App } from "./App";
import { AuthProvider } from "./lib/auth";

const login = {
  step: "totp",
  email: "a…e@student.com",
  expires_at: "2026-01-01T00:05:00Z",
  expires_in: 300,
  code_length: null,
  resend_after: null,
  sender: null,
  needs_ticket: false,
  guarded: false,
  factors: ["totp", "backup_codes"],
  tries_left: 5,
  next_pause: 900,
  retry_after: null,
};

type Body = Record<string, unknown>;
export type Responder = (body: Body) => Response;

interface SentRequest {
  path: string;
  body: Body;
}

/** Opens the app at *path*; returns the requests the server receives, as they arrive. */
export function openWith(responses: Record<string, Responder>, path: string): SentRequest[] {
  const requests: SentRequest[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const path = url.replace("/api", "");
    const body = JSON.parse(String(init.body ?? "{}"));
    requests.push({ path, body });
    return responses[path]?.(body) ?? new Response("{}", { status: 404 });
  });
  render(
    <MemoryRouter initialEntries={[path]}>
      <AuthProvider>
        <App />
      </AuthProvider>
    </MemoryRouter>,
  );
  return requests;
}

/** A login at the second factor, unless `more` says otherwise. */
export const status =
  (more: object = {}) =>
  () =>
    Response.json({ app_name: "Acme", signed_in: false, login: { ...login, ...more } });

export const problem =
  (httpStatus: number, code: string, more = {}) =>
  () =>
    new Response(JSON.stringify({ code, detail: "", ...more }), { status: httpStatus });

export const signedIn =
  (more: object = {}) =>
  () =>
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
      ...more,
    });

/** Waits until an element has the focus, which moves only after the page has rendered. */
export const expectFocus = (element: Element) =>
  waitFor(() => expect(document.activeElement).toBe(element));
