/** A new phone in place of the old one, by oneself; and turning the second step off where that is allowed. */
import type { Page } from "@playwright/test";
import { Authenticator } from "./support/authenticator";
import { inspect } from "./support/inspect";
import type { Enrolled } from "./support/people";
import { scanScreen } from "./support/qr";
import { expect, test } from "./support/test";
import {
  backupCodeField,
  button,
  codeField,
  expectSignedIn,
  givePassword,
  heading,
  passwordField,
  readBackupCodes,
  signIn,
  signInTwice,
  stepUpDialog,
  submitPassword,
  TITLES,
} from "./support/walk";

const TITLE = "New phone";
const DONE = "Your new phone is set up";

async function openPage(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Set up a new phone" }).click();
  await expect(heading(page, TITLE)).toBeVisible();
}

/** The app on the new phone, which has scanned the QR code of the page. */
async function scanWithNewPhone(page: Page): Promise<Authenticator> {
  await button(page, "Set up a new phone").click();
  return Authenticator.scan(await scanScreen(page));
}

test("the new phone replaces the old one, and everyone else is signed out", async ({
  page,
  site,
  enrolled,
  otherBrowser,
}) => {
  const other = await (await otherBrowser()).newPage();
  await signInTwice(other, page, site, enrolled);
  await openPage(page);
  await inspect(page, TITLE);

  const app = await scanWithNewPhone(page);
  expect(app.entry.account).toBe(`${enrolled.email} (2)`);
  await inspect(page, TITLE);
  await codeField(page).fill(app.wrongCodes(site.now(), 1)[0] ?? "");
  await expect(page.getByText("That code is wrong.")).toBeVisible();
  await codeField(page).fill(app.code(site.now()));

  await expect(heading(page, DONE)).toBeVisible();
  await expect(page.getByText(`${app.entry.issuer}: ${enrolled.email} (2)`)).toBeVisible();
  await inspect(page, DONE);
  await other.reload();
  await expect(heading(other, TITLES.login)).toBeVisible();
  await page.reload();
  await expect(heading(page, TITLE)).toBeVisible();

  await site.advance(30);
  await submitPassword(other, enrolled);
  await codeField(other).fill(enrolled.app.code(site.now()));
  await expect(other.getByText("That code is wrong.")).toBeVisible();
  await codeField(other).fill(app.code(site.now()));
  await expectSignedIn(other);
});

test("who has lost the phone confirms with password and backup code, and loses nothing", async ({
  page,
  site,
  enrolled,
}) => {
  await signIn(page, site, enrolled);
  await site.advance(6 * 60);
  await openPage(page);

  await button(page, "Set up a new phone").click();
  await confirmWithBackupCode(page, enrolled, 0);
  await expect(stepUpDialog(page)).toBeHidden();
  const app = Authenticator.scan(await scanScreen(page));
  await site.advance(6 * 60);
  await codeField(page).fill(app.code(site.now()));
  await confirmWithBackupCode(page, enrolled, 1);

  await expect(heading(page, DONE)).toBeVisible();
});

async function confirmWithBackupCode(page: Page, person: Enrolled, number: number) {
  await expect(stepUpDialog(page)).toBeVisible();
  await stepUpDialog(page).getByRole("button", { name: "Use a backup code" }).click();
  await passwordField(page).fill(person.password);
  await backupCodeField(page).fill(person.backupCodes[number] ?? "");
  await button(page, "Confirm").click();
}

test("a new key stands in for one that was not added", async ({ page, site, enrolled }) => {
  await signIn(page, site, enrolled);
  await openPage(page);
  const discarded = await scanWithNewPhone(page);

  await button(page, "Start over with a new key").click();
  await button(page, "Make a new key").click();
  await expect(page.getByText("This is a new key.")).toBeVisible();
  const app = Authenticator.scan(await scanScreen(page));
  await codeField(page).fill(discarded.code(site.now()));
  await expect(page.getByText("That code is wrong.")).toBeVisible();
  await codeField(page).fill(app.code(site.now()));

  await expect(heading(page, DONE)).toBeVisible();
});

test("where everyone needs a second step, nothing offers to turn it off", async ({
  page,
  site,
  enrolled,
}) => {
  await signIn(page, site, enrolled);
  await openPage(page);

  await expect(button(page, "Set up a new phone")).toBeVisible();
  await page.waitForLoadState("networkidle");
  await expect(button(page, "Turn off the second step")).toBeHidden();
});

test.describe("where a second step is optional", () => {
  test.use({ settings: { mfa_policy: "optional" } });

  test("it can be set up, and turned off again with a code from the app", async ({
    page,
    site,
    person,
  }) => {
    await givePassword(page, person);
    await expectSignedIn(page);
    await page.getByRole("link", { name: "Set up an authenticator app" }).click();
    await button(page, "Set up an app").click();
    const app = Authenticator.scan(await scanScreen(page));
    await codeField(page).fill(app.code(site.now()));
    await expect(heading(page, TITLES.codes)).toBeVisible();
    await button(page, "Copy").click();
    await button(page, "Continue").click();
    await expectSignedIn(page);
    await page.reload();
    await expect(page.getByText("Did you save your backup codes?")).toBeHidden();

    await openPage(page);
    await site.advance(6 * 60);
    await button(page, "Turn off the second step").click();
    await inspect(page, TITLE);
    await button(page, "Yes, turn off the second step").click();
    await codeField(page).fill(app.code(site.now()));

    await expect(heading(page, "Authenticator app")).toBeVisible();
    await expect(button(page, "Set up an app")).toBeVisible();
    await page.goto("/");
    await button(page, "Sign out").click();
    await givePassword(page, person);
    await expectSignedIn(page);
  });

  test("a backup code is not enough to turn it off", async ({ page, site, person }) => {
    await givePassword(page, person);
    await page.getByRole("link", { name: "Set up an authenticator app" }).click();
    await button(page, "Set up an app").click();
    const app = Authenticator.scan(await scanScreen(page));
    await codeField(page).fill(app.code(site.now()));
    await expect(heading(page, TITLES.codes)).toBeVisible();
    const backupCodes = await readBackupCodes(page);
    await button(page, "Copy").click();
    await button(page, "Continue").click();
    await site.advance(6 * 60);
    await openPage(page);

    await button(page, "Turn off the second step").click();
    await button(page, "Yes, turn off the second step").click();
    await confirmWithBackupCode(page, { ...person, app, backupCodes }, 0);

    await expect(page.getByText("A backup code is not enough for this.")).toBeVisible();
    await expect(
      stepUpDialog(page).getByRole("button", { name: "Use a backup code" }),
    ).toBeHidden();
    await codeField(page).fill(app.code(site.now()));
    await expect(button(page, "Set up an app")).toBeVisible();
  });
});
