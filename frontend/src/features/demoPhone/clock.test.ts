import { expect, test } from "vitest";
import { clockInWords } from "./clock";

test.each([
  [0, "right"],
  [-1, "1 s behind"],
  [60, "1 min ahead"],
  [-331, "5 min 31 s behind"],
])("a clock %i s ahead is %s", (seconds, words) => {
  expect(clockInWords(seconds)).toBe(words);
});
