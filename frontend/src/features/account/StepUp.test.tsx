import { fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { openWith, problem, type Responder, signedIn } from "../../test-login";

const SET = "6f1c7f6e-0000-4000-8000-000000000001";
const USER = {
  id: "1",
  email: "alice@student.com",
  display_name: "Alice",
  role: "user",
  mfa_enabled: true,
  backup_codes_left: 10,
  backup_codes_unsaved: SET,
};
const RENEW = "/auth/backup-codes/renew";

/** Opens the account and asks for new backup codes, which the server refuses until it has accepted a step-up. */
async function askForCodes(stepUps: Record<string, Responder>, user = USER) {
  let verified = false;
  const accepting = (respond: Responder): Responder => {
    return (body) => {
      const response = respond(body);
      verified ||= response.ok;
      return response;
    };
  };
  const requests = openWith(
    {
      "/auth/status": () => Response.json({ app_name: "Acme", signed_in: true, login: null }),
      "/auth/refresh": signedIn({ user }),
      ...Object.fromEntries(Object.entries(stepUps).map(([path, to]) => [path, accepting(to)])),
      [RENEW]: () =>
        verified
          ? Response.json({ backup_codes: ["0000-0000-0000-0001"], backup_codes_unsaved: SET })
          : problem(403, "step_up_required")(),
    },
    "/",
  );
  await userEvent.click(await screen.findByRole("button", { name: "Show new codes" }));
  await screen.findByRole("dialog");
  return { sent: (path: string) => requests.filter((request) => request.path === path) };
}

const press = (name: string) => userEvent.click(screen.getByRole("button", { name }));
const codesAppear = () => screen.findByRole("heading", { name: "Save your backup codes" });

test("after a right code, what was refused is done at once", async () => {
  const { sent } = await askForCodes({ "/auth/step-up": signedIn({ user: USER }) });

  await userEvent.type(screen.getByLabelText("Six-digit code"), "123456");

  expect(await codesAppear()).toBeTruthy();
  expect(sent("/auth/step-up").map(({ body }) => body)).toEqual([{ code: "123456" }]);
  expect(sent(RENEW).map(({ body }) => body)).toEqual([{ set: SET }, { set: SET }]);
});

test("a wrong code is sent once, and the dialog stays", async () => {
  const { sent } = await askForCodes({
    "/auth/step-up": problem(401, "invalid_code", { tries_left: 4 }),
  });

  await userEvent.type(screen.getByLabelText("Six-digit code"), "123456");

  expect(await screen.findByText("That code is wrong. 4 tries left.")).toBeTruthy();
  expect(sent("/auth/step-up")).toHaveLength(1);
  expect(sent(RENEW)).toHaveLength(1);
});

test("canceling changes nothing", async () => {
  const { sent } = await askForCodes({});

  await press("Cancel");

  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(sent(RENEW)).toHaveLength(1);
});

test("a lock shows how long it lasts, and two codes in a row do not have to wait", async () => {
  const { sent } = await askForCodes({
    "/auth/step-up": (body) =>
      "codes" in body
        ? signedIn({ user: USER })()
        : problem(429, "account_locked", { retry_after: 900 })(),
  });
  await userEvent.type(screen.getByLabelText("Six-digit code"), "123456");
  expect((await screen.findByRole("timer")).textContent).toMatch(/^1[45]:/);

  await press("Enter two codes in a row");
  fireEvent.input(screen.getByLabelText("The code your app shows now"), {
    target: { value: "123456" },
  });
  fireEvent.input(screen.getByLabelText("The next code"), { target: { value: "654321" } });

  expect(await codesAppear()).toBeTruthy();
  expect(sent("/auth/step-up").at(-1)?.body).toEqual({ codes: ["123456", "654321"] });
});

test("when one code is no longer enough, it asks for two", async () => {
  await askForCodes({ "/auth/step-up": problem(409, "guarded") });

  await userEvent.type(screen.getByLabelText("Six-digit code"), "123456");

  expect(await screen.findByLabelText("The next code")).toBeTruthy();
  await press("Use a backup code");
  await press("Use your app instead");
  expect(screen.getByLabelText("The next code")).toBeTruthy();
});

test("a backup code needs the password too", async () => {
  const path = "/auth/step-up/backup-code";
  const { sent } = await askForCodes({
    [path]: ({ password }) =>
      password === "secret" ? signedIn({ user: USER })() : problem(401, "invalid_credentials")(),
  });
  await press("Use a backup code");

  await press("Confirm");
  expect(await screen.findByText("Enter your password.")).toBeTruthy();
  await userEvent.type(screen.getByLabelText("Password"), "wrong");
  await press("Confirm");
  expect(await screen.findByText("Enter all 16 characters.")).toBeTruthy();
  await userEvent.type(screen.getByLabelText("Backup code"), "0123456789ABCDEF");
  await press("Confirm");
  expect(await screen.findByText("That password is wrong.")).toBeTruthy();
  await userEvent.clear(screen.getByLabelText("Password"));
  await userEvent.type(screen.getByLabelText("Password"), "secret");
  await press("Confirm");

  expect(await codesAppear()).toBeTruthy();
  expect(sent(path).at(-1)?.body).toEqual({ code: "0123-4567-89AB-CDEF", password: "secret" });
});

test("without backup codes, none is asked for", async () => {
  await askForCodes({}, { ...USER, backup_codes_left: 0 });

  expect(screen.queryByRole("button", { name: "Use a backup code" })).toBeNull();
});

test("an account without a second factor confirms with its password", async () => {
  const { sent } = await askForCodes(
    { "/auth/step-up/password": signedIn({ user: USER }) },
    { ...USER, mfa_enabled: false },
  );

  await userEvent.type(screen.getByLabelText("Password"), "secret{Enter}");

  expect(await codesAppear()).toBeTruthy();
  expect(sent("/auth/step-up/password").map(({ body }) => body)).toEqual([{ password: "secret" }]);
});
