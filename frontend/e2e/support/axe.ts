import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** Checks every axe rule in light mode, and the colors in dark mode. The page must be idle and show its heading. */
export async function expectAccessible(page: Page, title: string | RegExp): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
    await page.evaluate(endTransitions);
    const rules = new AxeBuilder({ page });
    if (colorScheme === "dark") rules.withTags("cat.color"); // nothing else depends on the theme
    const { violations } = await rules.analyze();
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`);
    expect(found, `${colorScheme}: ${title}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

/** Ends the transitions of the theme change: colors halfway belong to neither theme. */
function endTransitions(): void {
  for (const animation of document.getAnimations()) {
    if (animation instanceof CSSTransition) animation.finish();
  }
}
