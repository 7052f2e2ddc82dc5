import { expect, test } from "vitest";
import { qrScale } from "./QrCode";

test.each([
  [57, 4],
  [199, 2],
  [200, 1],
  [285, 1],
])("a %i px image is enlarged %i times", (pixels, scale) => {
  expect(qrScale(pixels)).toBe(scale);
  expect(pixels * scale).toBeGreaterThanOrEqual(200);
});
