import { act, renderHook } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";
import {
  addToPhone,
  keepPhone,
  moveClock,
  removeFromPhone,
  resetPhone,
  setClockRight,
  usePhone,
} from "./demoPhone";

beforeEach(() => resetPhone());

function phone() {
  const { result } = renderHook(usePhone);
  return result;
}

test("an account is added once, and removed", () => {
  const shown = phone();

  let added: boolean[] = [];
  act(() => {
    added = ["a", "a", "b"].map((name) => addToPhone(`otpauth://${name}`));
  });
  expect(added).toEqual([true, false, true]);
  expect(shown.current.accounts).toEqual(["otpauth://a", "otpauth://b"]);

  act(() => removeFromPhone("otpauth://a"));
  expect(shown.current.accounts).toEqual(["otpauth://b"]);
});

test("the clock moves in both directions, and can be set right", () => {
  const shown = phone();

  act(() => moveClock(30));
  act(() => moveClock(-90));
  expect(shown.current.clockAhead).toBe(-60);

  act(() => setClockRight());
  expect(shown.current.clockAhead).toBe(0);
});

test("the phone outlives what clears the storage", async () => {
  const shown = phone();
  act(() => void addToPhone("otpauth://a"));

  await act(() => keepPhone(async () => localStorage.clear()));

  expect(shown.current.accounts).toEqual(["otpauth://a"]);
});

test("a reset phone has no accounts and the right time", () => {
  const shown = phone();
  act(() => void addToPhone("otpauth://a"));
  act(() => moveClock(30));

  act(() => resetPhone());

  expect(shown.current).toEqual({ accounts: [], clockAhead: 0 });
});
