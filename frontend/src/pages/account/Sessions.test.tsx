import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { openWith, problem, type Responder, signedIn } from "../../test-login";

const session = (id: string, device: string, is_current = false) => ({
  id,
  device,
  address: "192.0.2.1",
  created_at: "2026-01-01T00:00:00Z",
  last_used_at: "2026-01-01T00:00:00Z",
  amr: ["pwd", "otp", "mfa"],
  is_current,
});
const HERE = session("1", "Safari on iPhone", true);
const OFFICE = session("2", "Firefox on Windows");

/** Opens the page; each load of the list takes the next of *lists*, and the last one stays. */
function open(lists: object[][], more: Record<string, Responder> = {}) {
  const remaining = [...lists];
  return openWith(
    {
      "/auth/status": () => Response.json({ app_name: "Acme", signed_in: true, login: null }),
      "/auth/refresh": signedIn(),
      "/account/sessions": () =>
        Response.json({ sessions: remaining.length > 1 ? remaining.shift() : remaining[0] }),
      ...more,
    },
    "/account/sessions",
  );
}

const endOffice = async () =>
  userEvent.click(await screen.findByRole("button", { name: /^End: Firefox/ }));

test("this browser comes first and cannot be ended", async () => {
  open([[OFFICE, HERE]]);

  const titles = await screen.findAllByRole("heading", { level: 2 });

  expect(titles.map((title) => title.textContent)).toEqual([
    "Safari on iPhoneThis browser",
    "Firefox on Windows",
  ]);
  expect(screen.queryByRole("button", { name: /^End: Safari/ })).toBeNull();
});

test.each([
  ["just ended", () => new Response(null, { status: 204 })],
  ["gone already", problem(404, "not_found")],
])("a session that is %s leaves the list", async (_, respond) => {
  open([[HERE, OFFICE], [HERE]], { "/account/sessions/2": respond });

  await endOffice();

  expect(await screen.findByText("Firefox on Windows is signed out.")).toBeTruthy();
  expect(screen.getByText("You are not signed in anywhere else.")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "End all others" })).toBeNull();
});

test("a session that did not end stays, with the reason", async () => {
  open([[HERE, OFFICE]], { "/account/sessions/2": problem(503, "unavailable") });

  await endOffice();

  expect(await screen.findByText("The server is not available. Please try again.")).toBeTruthy();
  expect(screen.getByRole("heading", { name: "Firefox on Windows" })).toBeTruthy();
});

test("a list that did not load can be loaded again", async () => {
  let isDown = true;
  open([], {
    "/account/sessions": () =>
      isDown ? problem(503, "unavailable")() : Response.json({ sessions: [HERE] }),
  });
  const again = await screen.findByRole("button", { name: "Try again" });
  isDown = false;

  await userEvent.click(again);

  await waitFor(() => expect(screen.getByText("This browser")).toBeTruthy());
});
