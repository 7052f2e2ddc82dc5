import { fireEvent, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { expectFocus, openWith, problem, type Responder, status } from "../test-login";

const atEmailCode = status({
  step: "email_code",
  code_length: 6,
  resend_after: 0,
  sender: "login@acme.com",
  factors: [],
});

/** After a reset of the second factor. */
function openForTicket(responses: Record<string, Responder>) {
  const waiting = status({ step: "email_code", code_length: 6, needs_ticket: true, factors: [] });
  return openWith({ "/auth/status": waiting, ...responses }, "/email-code");
}

const typeBoth = async (code: string, ticket: string) => {
  fireEvent.input(await screen.findByLabelText("Email code"), { target: { value: code } });
  await userEvent.type(screen.getByLabelText("Ticket"), ticket);
  await userEvent.click(screen.getByRole("button", { name: "Continue" }));
};

test("after a reset the code and the ticket are sent together", async () => {
  const requests = openForTicket({
    "/auth/email-code/verify": problem(401, "invalid_ticket", { tries_left: 4 }),
  });

  await typeBoth("123456", "abcdefghjkmnpqrs");

  const sentence =
    /^That ticket is wrong or has expired. Ask your administrator for a new one. 4 tries left/;
  expect(await screen.findByText(sentence)).toBeTruthy();
  await expectFocus(screen.getByLabelText("Ticket"));
  const sent = requests.filter(({ path }) => path === "/auth/email-code/verify");
  expect(sent.map(({ body }) => body)).toEqual([{ code: "123456", ticket: "ABCD-EFGH-JKMN-PQRS" }]);
});

test("a ticket that is too short is not sent", async () => {
  const requests = openForTicket({});

  await typeBoth("123456", "abcd");

  expect(await screen.findByText("Enter all 16 characters.")).toBeTruthy();
  await expectFocus(screen.getByLabelText("Ticket"));
  expect(requests.map(({ path }) => path)).not.toContain("/auth/email-code/verify");
});

async function open(responses: Record<string, Responder>) {
  openWith({ "/auth/status": atEmailCode, ...responses }, "/email-code");
  return screen.findByLabelText<HTMLInputElement>("Email code");
}

test("after the last try with an emailed code comes a new code, not a pause", async () => {
  const field = await open({
    "/auth/email-code/verify": problem(401, "invalid_code", { tries_left: 2 }),
  });

  fireEvent.input(field, { target: { value: "123456" } });

  expect(
    await screen.findByText("That code is wrong. 2 tries left, then you need a new code."),
  ).toBeTruthy();
});

test("after too many tries the wait is shown at the field", async () => {
  const field = await open({
    "/auth/email-code/verify": problem(429, "throttled", { retry_after: 252 }),
  });

  fireEvent.input(field, { target: { value: "123456" } });

  const [shown] = await screen.findAllByText(
    /^Too many tries\. You can try again in 4 min 1[12] s\./,
  );
  expect(shown).toBeTruthy();
});

test("after too many emails the button counts down, with the reason next to it", async () => {
  await open({ "/auth/email-code/resend": problem(429, "throttled", { retry_after: 252 }) });

  await userEvent.click(screen.getByRole("button", { name: "Send again" }));

  const button = await screen.findByRole("button", { name: /Send again/ });
  expect(button.textContent).toMatch(/^Send again in 4:1[12]$/);
  expect(button.getAttribute("aria-disabled")).toBe("true");
  const why = screen.getByText(/^You have already asked for several codes\./);
  expect(why.getAttribute("aria-live")).toBe("polite");
  expect(why.textContent).toMatch(/ You can ask again in 4\smin 12\ss\.$/);
});
