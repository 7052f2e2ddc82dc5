import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { openWith, signedIn } from "./test-login";

vi.mock(import("./signedInPages"), async (original) => ({
  SIGNED_IN_PAGES: { ...(await original()).SIGNED_IN_PAGES, "/sessions": () => <h1>Sessions</h1> },
}));

const statusOf = (signed_in: boolean) => () =>
  Response.json({ app_name: "Acme", signed_in, login: null });

const openSignedIn = (path: string) =>
  openWith({ "/auth/status": statusOf(true), "/auth/refresh": signedIn() }, path);

const heading = (name: string) => screen.findByRole("heading", { name });

test.each([
  ["/", "Alice"],
  ["/sessions", "Sessions"],
  ["/sessions/", "Sessions"],
])("someone who is signed in stays on %s", async (path, title) => {
  openSignedIn(path);

  expect(await heading(title)).toBeTruthy();
});

test("anyone else signs in first, and then arrives where they wanted to go", async () => {
  openWith({ "/auth/status": statusOf(false), "/auth/login": signedIn() }, "/sessions");

  await userEvent.type(await screen.findByLabelText("Email"), "alice@student.com");
  await userEvent.type(screen.getByLabelText("Password"), "secret{Enter}");

  expect(await heading("Sessions")).toBeTruthy();
});

test.each(["/login", "/totp-verify"])(
  "someone who is signed in is led home from %s",
  async (path) => {
    openSignedIn(path);

    expect(await heading("Alice")).toBeTruthy();
  },
);

test("an unknown address is not found", async () => {
  openSignedIn("/nowhere");

  expect(await heading("Page not found")).toBeTruthy();
});
