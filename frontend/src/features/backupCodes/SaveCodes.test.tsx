import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { SaveCodes } from "./SaveCodes";

const codes = Array.from({ length: 10 }, (_, index) => `AAAA-BBBB-CCCC-DDD${index}`);

function setup() {
  const onContinue = vi.fn();
  const user = userEvent.setup();
  render(
    <SaveCodes app="Acme" account="alice@student.com" codes={codes} onContinue={onContinue} />,
  );
  return { user, onContinue };
}

const press = (name: string) => screen.getByRole("button", { name });

/** Whether the browser would ask before leaving. */
function isGuarded(): boolean {
  const event = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}

test("nobody goes on before the codes are saved, and leaving is guarded until then", async () => {
  const { user, onContinue } = setup();
  expect(screen.getAllByRole("listitem")).toHaveLength(10);
  expect(isGuarded()).toBe(true);

  await user.click(press("Continue"));
  expect(onContinue).not.toHaveBeenCalled();

  await user.click(press("Copy"));
  await user.click(press("Continue"));
  expect(onContinue).toHaveBeenCalledOnce();
  expect(await navigator.clipboard.readText()).toContain(codes[9]);
  expect(isGuarded()).toBe(false);
});

test("printing counts as saving", async () => {
  const print = vi.fn();
  vi.stubGlobal("print", print);
  const { user, onContinue } = setup();

  await user.click(press("Print"));
  await user.click(press("Continue"));

  expect(print).toHaveBeenCalledOnce();
  expect(onContinue).toHaveBeenCalledOnce();
});
