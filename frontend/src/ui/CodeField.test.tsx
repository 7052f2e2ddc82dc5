import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useRef, useState } from "react";
import { expect, test, vi } from "vitest";
import { CodeField } from "./CodeField";

function Harness({ submit }: { submit(code: string): void }) {
  const [value, setValue] = useState("");
  const field = useRef<HTMLInputElement>(null);
  return (
    <CodeField
      id="code"
      label="Code"
      value={value}
      onChange={setValue}
      onComplete={submit}
      field={field}
    />
  );
}

function setup() {
  const submit = vi.fn();
  render(<Harness submit={submit} />);
  return {
    submit,
    user: userEvent.setup(),
    field: screen.getByLabelText<HTMLInputElement>("Code"),
  };
}

test("it is a single text field that password managers can fill", () => {
  const { field } = setup();

  expect(field.type).toBe("text");
  expect(field.autocomplete).toBe("one-time-code");
  expect(field.inputMode).toBe("numeric");
  expect(field.hasAttribute("maxlength")).toBe(false);
});

test("typing the sixth digit submits the code once", async () => {
  const { submit, user, field } = setup();

  await user.type(field, "012345");

  expect(submit.mock.calls).toEqual([["012345"]]);
});

test.each([["123 456"], ["123-456"], ["Your code is 123456."], ["123456"]])(
  "pasting %j submits 123456",
  async (text) => {
    const { submit, user, field } = setup();

    await user.click(field);
    await user.paste(text);

    expect(field.value).toBe("123456");
    expect(submit.mock.calls).toEqual([["123456"]]);
  },
);

test("a password manager that fills the field submits the code", () => {
  const { submit, field } = setup();

  fireEvent.input(field, { target: { value: "123 456" } });

  expect(submit.mock.calls).toEqual([["123456"]]);
});

test("correcting a digit of a submitted code does not submit it again", async () => {
  const { submit, user, field } = setup();
  await user.type(field, "123456");

  await user.type(field, "{Backspace}7");

  expect(field.value).toBe("123457");
  expect(submit).toHaveBeenCalledTimes(1);
});

test("typing a new code over the selected one submits it; typing the same one does not", async () => {
  const { submit, user, field } = setup();
  await user.type(field, "123456");

  await user.type(field, "123456", { initialSelectionStart: 0, initialSelectionEnd: 6 });
  await user.type(field, "654321", { initialSelectionStart: 0, initialSelectionEnd: 6 });

  expect(submit.mock.calls).toEqual([["123456"], ["654321"]]);
});

test("a longer number is cut to six digits and not submitted", async () => {
  const { submit, user, field } = setup();

  await user.click(field);
  await user.paste("+49 170 1234567");

  expect(field.value).toHaveLength(6);
  expect(submit).not.toHaveBeenCalled();
});
