import { fireEvent, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { openWith, problem, type Responder, status } from "../test-login";

const atEmailCode = status({
  step: "email_code",
  code_length: 6,
  resend_after: 0,
  sender: "login@acme.com",
  factors: [],
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
