/** Backup codes whose page was closed before they were saved: the next page says so, and offers new ones. */
import type { Page } from "@playwright/test";
import { inspect } from "./support/inspect";
import { expect, test } from "./support/test";
import {
  backupCodeField,
  backupCodeLink,
  button,
  codeField,
  expectSignedIn,
  givePassword,
  heading,
  reachBackupCodes,
  readBackupCodes,
  TITLES,
} from "./support/walk";

const question = (page: Page) => page.getByText("Did you save your backup codes?");

/** Leaves the page although the browser asks. */
async function reload(page: Page): Promise<void> {
  page.once("dialog", (dialog) => dialog.accept());
  await page.reload();
}

async function saveNewCodes(page: Page): Promise<string[]> {
  await button(page, "Show new codes").click();
  await expect(heading(page, TITLES.codes)).toBeVisible();
  await expect(page.getByText("These replace the codes that were not saved")).toBeVisible();
  const codes = await readBackupCodes(page);
  await button(page, "Copy").click();
  await button(page, "Continue").click();
  await expectSignedIn(page);
  return codes;
}

test("after a reload the page offers new codes, and the old ones are void", async ({
  page,
  site,
  person,
}) => {
  await reachBackupCodes(page, site, person);
  const [lost = ""] = await readBackupCodes(page);

  await reload(page);
  await expectSignedIn(page);
  await expect(question(page)).toBeVisible();
  await inspect(page, /./);

  const [kept = ""] = await saveNewCodes(page);
  await page.reload();
  await expectSignedIn(page);
  await expect(question(page)).toBeHidden();

  await button(page, "Sign out").click();
  await givePassword(page, person);
  await backupCodeLink(page).click();
  await backupCodeField(page).fill(lost);
  await button(page, "Sign in").click();
  await expect(page.getByText("That code is wrong.")).toBeVisible();
  await backupCodeField(page).fill(kept);
  await button(page, "Sign in").click();
  await expectSignedIn(page);
});

test("after a crash the next sign-in asks, and an answer is remembered", async ({
  page,
  context,
  site,
  person,
}) => {
  const app = await reachBackupCodes(page, site, person);
  await page.close();
  await context.clearCookies();

  const next = await context.newPage();
  await site.advance(30);
  await givePassword(next, person);
  await codeField(next).fill(app.code(site.now()));
  await expectSignedIn(next);
  await button(next, "I have saved them").click();
  await expect(next.getByText("Keep your backup codes where")).toBeVisible();

  await next.reload();
  await expectSignedIn(next);
  await expect(question(next)).toBeHidden();
});

test("a second tab leaves the codes alone, and its new ones replace them in both", async ({
  page,
  context,
  site,
  person,
}) => {
  await reachBackupCodes(page, site, person);
  const shown = await readBackupCodes(page);

  const second = await context.newPage();
  await second.goto("/");
  await expect(question(second)).toBeVisible();
  expect(await readBackupCodes(page)).toEqual(shown);

  await button(second, "Show new codes").click();
  await expect(heading(second, TITLES.codes)).toBeVisible();
  await expect(heading(page, TITLES.codes)).toBeHidden();
  await expect(question(page)).toBeVisible();
  await expect(page.getByText(shown[0] ?? "")).toBeHidden();
});

test("after a while, a code from the app comes first, and the new codes follow at once", async ({
  page,
  site,
  person,
}) => {
  const app = await reachBackupCodes(page, site, person);
  await reload(page);
  await expect(question(page)).toBeVisible();
  await site.advance(11 * 60);

  await button(page, "Show new codes").click();
  await expect(page.getByRole("dialog", { name: "Confirm that it is you" })).toBeVisible();
  await codeField(page).fill(app.code(site.now()));

  await expect(heading(page, TITLES.codes)).toBeVisible();
});
