/** A reload and the Back button, at every step: the page stays where the sign-in is, and nothing is lost. */
import type { Page } from "@playwright/test";
import { Authenticator } from "./support/authenticator";
import { expect, test } from "./support/test";
import {
  backupCodeField,
  backupCodeLink,
  button,
  codeField,
  emailCodeField,
  emailField,
  expectSignedIn,
  givePassword,
  heading,
  olderField,
  reachBackupCodes,
  readBackupCodes,
  readKey,
  setupKey,
  signIn,
  TITLES,
} from "./support/walk";

async function reloadAt(page: Page, title: string | RegExp): Promise<void> {
  await expect(heading(page, title)).toBeVisible();
  await page.reload();
  await expect(heading(page, title)).toBeVisible();
}

test("a first sign-in survives a reload at every step", async ({ page, site, person }) => {
  await page.goto("/login");
  await reloadAt(page, TITLES.login);
  await givePassword(page, person);
  await reloadAt(page, TITLES.emailCode);
  await emailCodeField(page).fill(await site.lastCode(person.email));
  await reloadAt(page, TITLES.enroll);
  await expect(setupKey(page)).toBeVisible();
  const app = Authenticator.type(await readKey(page));
  await codeField(page).fill(app.code(site.now()));
  await expect(heading(page, TITLES.codes)).toBeVisible();
  await button(page, "Copy").click();
  await button(page, "Continue").click();
  await expectSignedIn(page);
  await page.reload();
  await expectSignedIn(page);
  expect(site.codesSent(person.email)).toBe(1);
});

test("a later sign-in survives a reload at every step", async ({ page, enrolled }) => {
  await givePassword(page, enrolled);
  await reloadAt(page, TITLES.totp);
  await backupCodeLink(page).click();
  await reloadAt(page, TITLES.backup);
  await backupCodeField(page).fill(enrolled.backupCodes[0] ?? "");
  await button(page, "Sign in").click();
  await expectSignedIn(page);
  await page.reload();
  await expectSignedIn(page);
  await button(page, "Sign out").click();
  await expect(page.getByText("You are signed out.")).toBeVisible();
  await reloadAt(page, TITLES.login);
  await expect(emailField(page)).toHaveValue("");
});

test("a locked and a guarded sign-in survive a reload", async ({
  page,
  site,
  caller,
  enrolled,
}) => {
  for (const wait of [15 * 60, 60 * 60, 0]) {
    await caller.password(enrolled);
    await caller.guess(enrolled, 5);
    await page.goto("/totp-verify");
    if (wait > 0) await reloadAt(page, TITLES.locked);
    await site.advance(wait);
  }
  await reloadAt(page, TITLES.guarded);
  await expect(olderField(page)).toBeVisible();
});

test("Back does not leave the backup codes", async ({ page, site, person }) => {
  await reachBackupCodes(page, site, person);
  const codes = await readBackupCodes(page);
  await page.goBack();
  await expect(heading(page, TITLES.codes)).toBeVisible();
  expect(await readBackupCodes(page)).toEqual(codes);
  await page.goForward();
  expect(await readBackupCodes(page)).toEqual(codes);
});

test("Back does not leave the account page", async ({ page, site, enrolled }) => {
  await signIn(page, site, enrolled);
  await page.goBack();
  await expectSignedIn(page);
});
