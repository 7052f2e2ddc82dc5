/** The pages about one's own account. */
import type { Page } from "@playwright/test";
import { inspect } from "./support/inspect";
import { expect, test } from "./support/test";
import {
  backupCodeField,
  button,
  codeField,
  expectSignedIn,
  heading,
  newerField,
  olderField,
  passwordField,
  reachSecondFactor,
  signIn,
  signInTwice,
  submitPassword,
} from "./support/walk";

const dialog = (page: Page, title = "Confirm that it is you") =>
  page.getByRole("dialog", { name: title });
const rows = (page: Page) => page.getByRole("main").getByRole("listitem");

async function openSessions(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Show sessions" }).click();
  await expect(heading(page, "Sessions")).toBeFocused();
}

test("someone ends a session in another browser", async ({
  page,
  site,
  enrolled,
  otherBrowser,
}) => {
  const other = await (await otherBrowser()).newPage();
  await signInTwice(other, page, site, enrolled);
  await openSessions(page);
  await expect(page.getByText("This browser")).toHaveCount(1);
  await expect(page.getByRole("heading", { name: /^Chrome on/ })).toHaveCount(2);
  await inspect(page, "Sessions");

  await page.getByRole("button", { name: /^End: Chrome on/ }).click();

  await expect(page.getByText("You are not signed in anywhere else.")).toBeVisible();
  await expect(page.getByRole("main").getByRole("list")).toBeFocused();
  await expect(rows(page)).toHaveCount(1);
  await inspect(page, "Sessions");
  await other.reload();
  await expect(other.getByText("Your session has ended.")).toBeVisible();
  await page.reload();
  await expect(heading(page, "Sessions")).toBeVisible();
});

test("ending all others after a while asks for a code, and then does it", async ({
  page,
  site,
  enrolled,
  otherBrowser,
}) => {
  const other = await (await otherBrowser()).newPage();
  await signInTwice(other, page, site, enrolled);
  await site.advance(6 * 60);
  await openSessions(page);

  await button(page, "End all others").click();
  await expect(dialog(page)).toBeVisible();
  await expect(codeField(page)).toBeFocused();
  await inspect(page, "Sessions");
  await page.keyboard.press("Escape");
  await expect(dialog(page)).toBeHidden();
  await expect(button(page, "End all others")).toBeFocused();
  await expect(rows(page)).toHaveCount(2);

  await button(page, "End all others").click();
  await codeField(page).fill(enrolled.app.code(site.now()));
  await expect(page.getByText("All other browsers are signed out.")).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
  await other.reload();
  await expect(other.getByText("Your session has ended.")).toBeVisible();
});

test("a lock shows in the dialog, and two codes in a row continue at once", async ({
  page,
  site,
  enrolled,
  otherBrowser,
}) => {
  const other = await (await otherBrowser()).newPage();
  await signInTwice(other, page, site, enrolled);
  await site.advance(6 * 60);
  await openSessions(page);
  await button(page, "End all others").click();

  for (const code of enrolled.app.wrongCodes(site.now(), 5)) {
    await codeField(page).fill(code);
    await expect(codeField(page).and(page.locator("[readonly]"))).toHaveCount(0);
  }
  await expect(dialog(page, "Account locked")).toBeVisible();
  await expect(page.getByRole("timer")).toBeVisible();
  await inspect(page, "Sessions");

  await button(page, "Enter two codes in a row").click();
  await inspect(page, "Sessions");
  await olderField(page).fill(enrolled.app.code(site.now()));
  await newerField(page).fill(enrolled.app.code(site.now() + 30_000));
  await expect(page.getByText("All other browsers are signed out.")).toBeVisible();
});

test("without the app, the password and a backup code confirm it", async ({
  page,
  site,
  enrolled,
  otherBrowser,
}) => {
  const other = await (await otherBrowser()).newPage();
  await signInTwice(other, page, site, enrolled);
  await site.advance(6 * 60);
  await openSessions(page);
  await button(page, "End all others").click();

  await button(page, "Use a backup code").click();
  await button(page, "Confirm").click();
  await expect(page.getByText("Enter your password.", { exact: true })).toBeVisible();
  await inspect(page, "Sessions");
  await passwordField(page).fill(enrolled.password);
  await backupCodeField(page).fill(enrolled.backupCodes[0] ?? "");
  await button(page, "Confirm").click();

  await expect(page.getByText("All other browsers are signed out.")).toBeVisible();
  await page.getByRole("link", { name: "Security" }).click();
  await expect(page.getByText("9 left")).toBeVisible();
});

test("the activity shows a failed code", async ({ page, site, enrolled }) => {
  await reachSecondFactor(page, enrolled);
  const [wrong = ""] = enrolled.app.wrongCodes(site.now(), 1);
  await codeField(page).fill(wrong);
  await expect(page.getByText("That code is wrong.")).toBeVisible();
  await codeField(page).fill(enrolled.app.code(site.now()));
  await expectSignedIn(page);

  await page.getByRole("link", { name: "Show activity" }).click();

  await expect(heading(page, "Activity")).toBeFocused();
  await expect(page.getByText("The code from the app was refused: wrong code")).toBeVisible();
  await inspect(page, "Activity");
});

test("older events follow on request", async ({ page, site, caller, enrolled }) => {
  for (let times = 0; times < 30; times++) {
    await caller.password(enrolled);
    await caller.leave();
    await site.advance(60);
  }
  await signIn(page, site, enrolled);
  await page.getByRole("link", { name: "Activity" }).first().click();
  await expect(rows(page)).toHaveCount(50);

  await button(page, "Show more").click();

  await expect(button(page, "Show more")).toBeHidden();
  expect(await rows(page).count()).toBeGreaterThan(60);
});

test("anyone who is not signed in signs in first, and then arrives at the page", async ({
  page,
  site,
  enrolled,
}) => {
  await page.goto("/account/sessions");
  await submitPassword(page, enrolled);
  await codeField(page).fill(enrolled.app.code(site.now()));

  await expect(heading(page, "Sessions")).toBeVisible();
});
