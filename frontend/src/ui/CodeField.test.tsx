import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useRef, useState } from "react";
import { expect, test, vi } from "vitest";
import { CodeField } from "./CodeField";

function Harness({ offer }: { offer(code: string): void }) {
  const [value, setValue] = useState("");
  const field = useRef<HTMLInputElement>(null);
  return (
    <CodeField
      id="code"
      label="Code"
      value={value}
      onChange={setValue}
      onComplete={offer}
      field={field}
    />
  );
}

function setup() {
  const offer = vi.fn();
  render(<Harness offer={offer} />);
  return { offer, user: userEvent.setup(), field: screen.getByLabelText<HTMLInputElement>("Code") };
}

test("it is one plain text field that password managers can fill", () => {
  const { field } = setup();

  expect(field.type).toBe("text");
  expect(field.autocomplete).toBe("one-time-code");
  expect(field.inputMode).toBe("numeric");
  expect(field.hasAttribute("maxlength")).toBe(false);
});

test("the sixth digit typed at the end offers the code once", async () => {
  const { offer, user, field } = setup();

  await user.type(field, "012345");

  expect(offer.mock.calls).toEqual([["012345"]]);
});

test.each([["123 456"], ["123-456"], ["Your code is 123456."], ["123456"]])(
  "pasting %j offers 123456",
  async (text) => {
    const { offer, user, field } = setup();

    await user.click(field);
    await user.paste(text);

    expect(field.value).toBe("123456");
    expect(offer.mock.calls).toEqual([["123456"]]);
  },
);

test("a fill by a password manager offers the code", () => {
  const { offer, field } = setup();

  fireEvent.input(field, { target: { value: "123 456" } });

  expect(offer.mock.calls).toEqual([["123456"]]);
});

test("correcting a digit of an offered code does not offer it again", async () => {
  const { offer, user, field } = setup();
  await user.type(field, "123456");

  await user.type(field, "{Backspace}7");

  expect(field.value).toBe("123457");
  expect(offer).toHaveBeenCalledTimes(1);
});

test("a new code typed over the selected one is offered; the same one is not", async () => {
  const { offer, user, field } = setup();
  await user.type(field, "123456");

  await user.type(field, "123456", { initialSelectionStart: 0, initialSelectionEnd: 6 });
  await user.type(field, "654321", { initialSelectionStart: 0, initialSelectionEnd: 6 });

  expect(offer.mock.calls).toEqual([["123456"], ["654321"]]);
});

test("a number of another length is kept to six digits and not offered", async () => {
  const { offer, user, field } = setup();

  await user.click(field);
  await user.paste("+49 170 1234567");

  expect(field.value).toHaveLength(6);
  expect(offer).not.toHaveBeenCalled();
});
