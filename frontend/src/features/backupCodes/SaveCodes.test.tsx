import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { SaveCodes } from "./SaveCodes";

const codes = Array.from({ length: 10 }, (_, index) => `AAAA-BBBB-CCCC-DDD${index}`);

function setup() {
  const onContinue = vi.fn(async () => undefined);
  const user = userEvent.setup();
  render(
    <SaveCodes app="Acme" account="alice@student.com" codes={codes} onContinue={onContinue} />,
  );
  return { user, onContinue };
}

const button = (name: string) => screen.getByRole("button", { name });

/** Whether the browser would ask before leaving the page. */
function asksBeforeLeaving(): boolean {
  const event = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}

test("the codes must be saved before continuing, and the browser asks before leaving until then", async () => {
  const { user, onContinue } = setup();
  expect(screen.getAllByRole("listitem")).toHaveLength(10);
  expect(asksBeforeLeaving()).toBe(true);

  await user.click(button("Continue"));
  expect(onContinue).not.toHaveBeenCalled();

  await user.click(button("Copy"));
  await user.click(button("Continue"));
  expect(onContinue).toHaveBeenCalledOnce();
  expect(await navigator.clipboard.readText()).toContain(codes[9]);
  expect(asksBeforeLeaving()).toBe(false);
});

test("printing counts as saving", async () => {
  const print = vi.fn();
  vi.stubGlobal("print", print);
  const { user, onContinue } = setup();

  await user.click(button("Print"));
  await user.click(button("Continue"));

  expect(print).toHaveBeenCalledOnce();
  expect(onContinue).toHaveBeenCalledOnce();
});
