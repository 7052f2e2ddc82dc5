import type { Page } from "@playwright/test";
import { expectAccessible } from "./axe";
import { expectNoOverflow } from "./layout";

/** Checks that the page with this heading is accessible in light and dark mode, and fits every width. */
export async function inspect(page: Page, title: string | RegExp): Promise<void> {
  await expectAccessible(page, title);
  await expectNoOverflow(page);
}
