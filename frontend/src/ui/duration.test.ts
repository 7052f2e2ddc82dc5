import { expect, test } from "vitest";
import { asClock, milestone } from "./duration";

test.each([
  [0, "0:00"],
  [59, "0:59"],
  [899, "14:59"],
  [3723, "1:02:03"],
])("%i seconds read %s", (seconds, shown) => {
  expect(asClock(seconds)).toBe(shown);
});

test("a countdown of fifteen minutes is read aloud four times, not each second", () => {
  const spoken = Array.from({ length: 900 }, (_, second) => milestone(900 - second));

  expect(new Set(spoken)).toEqual(
    new Set(["", "10 minutes left", "5 minutes left", "1 minute left", "10 seconds left"]),
  );
});
