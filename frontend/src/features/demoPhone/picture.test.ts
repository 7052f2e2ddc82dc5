import { expect, test } from "vitest";
import { scaleFor } from "./picture";

test.each([
  [57, 8],
  [400, 1],
  [1500, 1],
])("a picture of %i px is enlarged %i times", (size, scale) => {
  expect(scaleFor(size)).toBe(scale);
});

test("a large photo is reduced", () => {
  expect(4000 * scaleFor(4000)).toBe(2000);
});
