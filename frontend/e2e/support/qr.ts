/** Reads QR codes from screenshots, like a phone in front of the screen. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, type Page } from "@playwright/test";
import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";

const wasm = readFileSync(
  createRequire(import.meta.url).resolve("zxing-wasm/reader/zxing_reader.wasm"),
);
prepareZXingModule({
  overrides: { wasmBinary: wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength) },
});

/** The text of the only QR code on the screen. */
export async function scanScreen(page: Page): Promise<string> {
  const picture = page.getByRole("img", { name: /QR code/ });
  await expect(picture).toHaveJSProperty("complete", true);
  // After a change of the window's size, the page may put another picture in its place.
  await expect(() => picture.scrollIntoViewIfNeeded({ timeout: 1000 })).toPass();
  const screen = await page.screenshot();
  const found = await readBarcodes(new Uint8Array(screen), { formats: ["QRCode"] });
  expect(found.map((code) => code.text)).toHaveLength(1);
  return found[0]?.text ?? "";
}
