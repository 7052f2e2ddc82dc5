import { expect, type Page } from "@playwright/test";

export const WIDTHS = [320, 360, 768, 1440];

/** Nothing overflows horizontally at any common width, or on a phone with text of twice the size. */
export async function expectNoOverflow(page: Page): Promise<void> {
  const before = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    expect(await overflow(page, "100%"), `${page.url()} at ${width}`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize({ width: 360, height: 800 });
  expect(await overflow(page, "200%"), `${page.url()} in large text`).toBeLessThanOrEqual(0);
  if (before) await page.setViewportSize(before);
}

/** By how many pixels the page is too wide for its window, at a text size. */
async function overflow(page: Page, text: string): Promise<number> {
  return page.evaluate((size) => {
    const root = document.documentElement;
    root.style.fontSize = size;
    const tooWide = root.scrollWidth - root.clientWidth;
    root.style.fontSize = "";
    return tooWide;
  }, text);
}
