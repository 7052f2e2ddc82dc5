/** Changing the password, and new backup codes, by someone who is signed in. */

import type { Page } from "@playwright/test";
import { inspect } from "./support/inspect";
import type { Enrolled } from "./support/people";
import { expect, test } from "./support/test";
import {
  backupCodeField,
  backupCodeLink,
  button,
  codeField,
  expectSignedIn,
  givePassword,
  heading,
  readBackupCodes,
  signIn,
  signInTwice,
  stepUpDialog,
  TITLES,
} from "./support/walk";

const CHOSEN = "violet-quarry-tandem-77";
const CHANGE = "Change your password";
const CODES = "Backup codes";

const currentField = (page: Page) => page.getByLabel("Current password", { exact: true });
const newField = (page: Page) => page.getByLabel("New password", { exact: true });
const changed = (page: Page) => page.getByText("Your password was changed");

async function openPassword(page: Page): Promise<void> {
  await page.getByRole("link", { name: CHANGE }).click();
  await expect(heading(page, CHANGE)).toBeVisible();
}

async function openCodes(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Manage backup codes" }).click();
  await expect(heading(page, CODES)).toBeVisible();
}

async function change(page: Page, { password }: Enrolled): Promise<void> {
  await currentField(page).fill(password);
  await newField(page).fill(CHOSEN);
  await button(page, "Change password").click();
}

test.beforeEach(({ watched }) => {
  watched.allowPaths("/account/password", "/account/backup-codes");
  watched.forbid(CHOSEN);
});

test("a changed password signs out every other browser, and not this one", async ({
  page,
  site,
  enrolled,
  otherBrowser,
}) => {
  const other = await (await otherBrowser()).newPage();
  await signInTwice(other, page, site, enrolled);
  await openPassword(page);

  await change(page, enrolled);

  await expect(changed(page)).toBeVisible();
  await page.reload();
  await expect(heading(page, CHANGE)).toBeVisible();
  await other.reload();
  await expect(heading(other, TITLES.login)).toBeVisible();
  await givePassword(other, enrolled);
  await expect(other.getByText("Email or password is wrong.")).toBeVisible();
  await givePassword(other, { ...enrolled, password: CHOSEN });
  await expect(heading(other, TITLES.totp)).toBeVisible();
});

test("after some minutes, a code from the app is needed, and nothing has to be typed again", async ({
  page,
  site,
  enrolled,
}) => {
  await signIn(page, site, enrolled);
  await openPassword(page);
  await site.advance(360);

  await change(page, enrolled);
  await expect(stepUpDialog(page)).toBeVisible();
  await codeField(page).fill(enrolled.app.code(site.now()));

  await expect(changed(page)).toBeVisible();
});

test("the page says what is wrong with a password, while it is typed and afterwards", async ({
  page,
  site,
  enrolled,
}) => {
  await signIn(page, site, enrolled);
  await openPassword(page);

  await newField(page).fill("short");
  await expect(page.getByText("too short")).toBeVisible();
  await newField(page).fill("password123");
  await expect(page.getByText("common or leaked passwords")).toBeVisible();
  await newField(page).fill(CHOSEN);
  await expect(page.getByText("This password is strong enough.")).toBeVisible();

  await button(page, "Change password").click();
  await expect(page.getByText("Enter your current password.")).toBeVisible();
  await currentField(page).fill("not the password");
  await button(page, "Change password").click();
  await expect(page.getByText("That password is wrong.")).toBeVisible();
  await expect(currentField(page)).toBeFocused();
  await inspect(page, CHANGE);

  await currentField(page).fill(enrolled.password);
  await newField(page).fill(enrolled.password);
  await button(page, "Change password").click();
  await expect(page.getByText("That is the password you have now.")).toBeVisible();
  await newField(page).fill(CHOSEN);
  await button(page, "Change password").click();
  await expect(changed(page)).toBeVisible();
});

test("password managers know which field is which, and both can be shown", async ({
  page,
  site,
  enrolled,
}) => {
  await signIn(page, site, enrolled);
  await openPassword(page);

  const purposes = await page
    .locator("form input")
    .evaluateAll((inputs) => inputs.map((input) => input.getAttribute("autocomplete")));
  expect(purposes).toEqual(["username", "current-password", "new-password"]);
  for (const field of [currentField(page), newField(page)]) {
    await expect(field).toHaveAttribute("type", "password");
    await page.getByRole("button", { name: "Show password" }).first().click();
    await expect(field).toHaveAttribute("type", "text");
  }
});

test("new backup codes replace the old ones", async ({ page, site, enrolled, watched }) => {
  const [old = ""] = enrolled.backupCodes;
  await signIn(page, site, enrolled);
  await openCodes(page);
  await expect(page.getByText("10 of 10 codes left")).toBeVisible();
  await site.advance(360);

  await button(page, "Get new codes").click();
  await expect(stepUpDialog(page)).toBeVisible();
  await codeField(page).fill(enrolled.app.code(site.now()));
  await expect(heading(page, TITLES.codes)).toBeVisible();
  await expect(page.getByText("These replace your old codes")).toBeVisible();
  const codes = await readBackupCodes(page);
  watched.forbid(...codes);
  await button(page, "Copy").click();
  await button(page, "Continue").click();
  await expectSignedIn(page);

  await button(page, "Sign out").click();
  await givePassword(page, enrolled);
  await backupCodeLink(page).click();
  await backupCodeField(page).fill(old);
  await button(page, "Sign in").click();
  await expect(page.getByText("That code is wrong.")).toBeVisible();
  await backupCodeField(page).fill(codes[0] ?? "");
  await button(page, "Sign in").click();
  await expectSignedIn(page);
});

test("a code on paper can be checked without using it", async ({ page, site, enrolled }) => {
  const [code = ""] = enrolled.backupCodes;
  await signIn(page, site, enrolled);
  await openCodes(page);
  const field = page.getByRole("textbox", { name: "One of your backup codes" });

  await field.fill("ABCD");
  await button(page, "Check this code").click();
  await expect(page.getByText("Enter all 16 characters.")).toBeVisible();
  await field.fill("0000-0000-0000-0000");
  await button(page, "Check this code").click();
  await expect(page.getByText("That code is wrong.")).toBeVisible();
  await inspect(page, CODES);
  await field.fill(code);
  await button(page, "Check this code").click();
  await expect(page.getByText("This code works.")).toBeVisible();

  await page.reload();
  await expect(page.getByText("10 of 10 codes left")).toBeVisible();
});
