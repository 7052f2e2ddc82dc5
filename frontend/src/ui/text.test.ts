import { expect, test } from "vitest";
import { asClock, grouped, milestone } from "./text";

test.each([
  [0, "0:00"],
  [59, "0:59"],
  [899, "14:59"],
  [3723, "1:02:03"],
])("%i seconds are shown as %s", (seconds, shown) => {
  expect(asClock(seconds)).toBe(shown);
});

test("a 15-minute countdown is announced four times, not every second", () => {
  const spoken = Array.from({ length: 900 }, (_, second) => milestone(900 - second));

  expect(new Set(spoken)).toEqual(
    new Set(["", "10 minutes left", "5 minutes left", "1 minute left", "10 seconds left"]),
  );
});

test.each([
  ["7k3mqz9x0v4tb8cd", "7K3M-QZ9X-0V4T-B8CD"],
  ["7k3m qz9x – 0v4t_b8cd", "7K3M-QZ9X-0V4T-B8CD"],
  ["7k3m", "7K3M"],
  ["7k3mq", "7K3M-Q"],
  ["", ""],
])("%j is shown as %j", (typed, shown) => {
  expect(grouped(typed)).toBe(shown);
});
