import { act, renderHook } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import { useSecondsLeft } from "./useSecondsLeft";

beforeEach(() => {
  vi.useFakeTimers();
});

test("it counts down to zero and stops there", () => {
  const { result } = renderHook(({ until }) => useSecondsLeft(until), {
    initialProps: { until: Date.now() + 3000 },
  });
  expect(result.current).toBe(3);

  act(() => vi.advanceTimersByTime(1000));
  expect(result.current).toBe(2);

  act(() => vi.advanceTimersByTime(10_000));
  expect(result.current).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("time that passed while the machine was asleep counts", () => {
  const { result } = renderHook(({ until }) => useSecondsLeft(until), {
    initialProps: { until: Date.now() + 900_000 },
  });

  vi.setSystemTime(Date.now() + 880_000);
  act(() => vi.advanceTimersByTime(250));

  expect(result.current).toBe(20);
});
