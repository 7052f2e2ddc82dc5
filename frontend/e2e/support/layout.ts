import { expect, type Page } from "@playwright/test";

export const WIDTHS = [360, 768, 1440];

/** Nothing sticks out sideways at any width a person may have. */
export async function expectNoSideways(page: Page): Promise<void> {
  const before = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    const sticksOut = await page.evaluate(() => {
      const root = document.documentElement;
      return root.scrollWidth - root.clientWidth;
    });
    expect(sticksOut, `${page.url()} at ${width}`).toBeLessThanOrEqual(0);
  }
  if (before) await page.setViewportSize(before);
}
