import { expect, test } from "vitest";
import { qrScale } from "./qrScale";

test.each([
  [57, 4],
  [199, 2],
  [200, 1],
  [285, 1],
])("an image of %i px is shown %i times its size", (pixels, scale) => {
  expect(qrScale(pixels)).toBe(scale);
  expect(pixels * scale).toBeGreaterThanOrEqual(200);
});
