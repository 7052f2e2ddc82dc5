/** The second sign-in and later ones: used, old and wrong codes, backup codes, and guarded accounts. */
import { expectAccessible } from "./support/axe";
import { expect, test } from "./support/test";
import {
  backupCodeField,
  backupCodeLink,
  button,
  codeField,
  expectSignedIn,
  heading,
  newerField,
  olderField,
  reachSecondFactor,
  readBackupCodes,
  signIn,
  TITLES,
} from "./support/walk";

test("a used code is rejected without costing a try, and the next one signs in", async ({
  page,
  site,
  enrolled,
}) => {
  const used = await signIn(page, site, enrolled);
  await button(page, "Sign out").click();
  await reachSecondFactor(page, enrolled);

  await codeField(page).fill(used);
  await expect(
    page.getByText(/^That code was already used\. Your app shows a new one in \d+\ss\.$/).first(),
  ).toBeVisible();

  await site.advance(30);
  await codeField(page).fill(enrolled.app.code(site.now()));
  await expectSignedIn(page);
});

test("the error for an old code mentions the phone's clock", async ({ page, site, enrolled }) => {
  await site.advance(600);
  await reachSecondFactor(page, enrolled);

  await codeField(page).fill(enrolled.app.code(site.now() - 4 * 60_000));

  await expect(
    page.getByText(/Your phone’s clock seems to be about 4 minutes behind/),
  ).toBeVisible();
  await expect(page.getByText("4 tries left.")).toBeVisible();
});

test("a phone whose clock is 30 seconds off signs in", async ({ page, site, enrolled }) => {
  await site.advance(60);
  await reachSecondFactor(page, enrolled);
  await codeField(page).fill(enrolled.app.code(site.now() - 30_000));
  await expectSignedIn(page);
});

test("a backup code signs in once, in any notation, and the page says how many are left", async ({
  page,
  enrolled,
}) => {
  const [code = ""] = enrolled.backupCodes;
  await reachSecondFactor(page, enrolled);
  await backupCodeLink(page).click();
  await expect(heading(page, TITLES.backup)).toBeVisible();
  await backupCodeField(page).pressSequentially(code.replaceAll("-", " ").toLowerCase());
  await expect(backupCodeField(page)).toHaveValue(code);
  await backupCodeField(page).press("Enter");

  await expect(
    page.getByText("You used a backup code. You have 9 backup codes left."),
  ).toBeVisible();
  await expect(page.getByText("with password and backup code")).toBeVisible();
  await button(page, "Sign out").click();

  await reachSecondFactor(page, enrolled);
  await backupCodeLink(page).click();
  await backupCodeField(page).fill(code);
  await button(page, "Sign in").click();
  await expect(page.getByText("That code was already used. Enter another one.")).toBeVisible();
  await backupCodeField(page).fill("0000-0000-0000-0000");
  await button(page, "Sign in").click();
  await expect(page.getByText("That code is wrong. 4 tries left.")).toBeVisible();
  await page.getByRole("link", { name: "Use your app instead" }).click();
  await expect(heading(page, TITLES.totp)).toBeVisible();
});

test("a warning appears when few backup codes are left", async ({ page, caller, enrolled }) => {
  for (const code of enrolled.backupCodes.slice(0, 8)) {
    await caller.password(enrolled);
    await caller.post("/auth/backup-code/verify", { code });
  }

  await page.goto("/");

  await expect(page.getByText("You have 2 backup codes left.")).toBeVisible();
  await expect(page.getByText("Get new ones at “Backup codes”.")).toBeVisible();
});

test("anyone who has used the last backup code gets new ones at the next sign-in with the app", async ({
  page,
  site,
  caller,
  enrolled,
  watched,
}, info) => {
  for (const code of enrolled.backupCodes) {
    await caller.password(enrolled);
    await caller.post("/auth/backup-code/verify", { code });
  }
  await caller.post("/auth/logout");
  await reachSecondFactor(page, enrolled);
  await expect(backupCodeLink(page)).toHaveCount(0);
  await page.goto("/backup-code");
  await expect(page.getByText("You have no backup codes left.")).toBeVisible();
  await page.getByRole("link", { name: "Use your app instead" }).click();
  await codeField(page).fill(enrolled.app.code(site.now()));

  await expect(heading(page, TITLES.codes)).toBeVisible();
  await expect(
    page.getByText("You had no working backup codes left, so here are new ones."),
  ).toBeVisible();
  const [first = "", ...others] = await readBackupCodes(page);
  watched.forbid(first, ...others);
  expect(others).toHaveLength(9);
  expect(enrolled.backupCodes).not.toContain(first);
  await expectAccessible(page, TITLES.codes);
  await info.attach("new codes", { body: await page.screenshot(), contentType: "image/png" });
  await button(page, "Copy").click();
  await button(page, "Continue").click();
  await expectSignedIn(page);

  await button(page, "Sign out").click();
  await reachSecondFactor(page, enrolled);
  await backupCodeLink(page).click();
  await backupCodeField(page).fill(first);
  await button(page, "Sign in").click();
  await expect(
    page.getByText("You used a backup code. You have 9 backup codes left."),
  ).toBeVisible();
});

test("after fifteen failures, the sign-in requires two codes in a row", async ({
  page,
  site,
  caller,
  enrolled,
}) => {
  for (const wait of [15 * 60, 60 * 60, 0]) {
    await caller.password(enrolled);
    await caller.guess(enrolled, 5);
    await site.advance(wait);
  }
  const { app } = enrolled;
  await page.goto("/login");
  await expect(heading(page, TITLES.guarded)).toBeVisible();
  await expect(page.getByText("There have been many wrong codes for this account.")).toBeVisible();

  const [first, second] = [olderField(page), newerField(page)];
  await first.fill(app.code(site.now()));
  await expect(second).toBeFocused();
  await second.fill(app.code(site.now()));
  await expect(page.getByText("Both codes must be new, one right after the other.")).toBeVisible();

  await expect(first).toBeFocused();
  await site.advance(30);
  const shownFirst = app.code(site.now());
  await page.keyboard.type(shownFirst);
  await expect(second).toBeFocused();
  await site.advance(30);
  await page.keyboard.type(app.code(site.now()));
  await expectSignedIn(page);
});

test("a backup code also signs in to a guarded account", async ({
  page,
  site,
  caller,
  enrolled,
}) => {
  for (const wait of [15 * 60, 60 * 60, 0]) {
    await caller.password(enrolled);
    await caller.guess(enrolled, 5);
    await site.advance(wait);
  }
  await page.goto("/backup-code");
  await backupCodeField(page).fill(enrolled.backupCodes[0] ?? "");
  await button(page, "Sign in").click();
  await expectSignedIn(page);
});

test("the owner of a locked account signs in at once with two codes in a row", async ({
  page,
  site,
  caller,
  enrolled,
}) => {
  await caller.password(enrolled);
  await caller.guess(enrolled, 5);
  await page.goto("/totp-verify");
  await expect(heading(page, TITLES.locked)).toBeFocused();
  await button(page, "Enter two codes in a row").click();
  const { app } = enrolled;
  await expect(olderField(page)).toBeFocused();
  await page.keyboard.type(app.code(site.now()));
  await page.keyboard.type(app.code(site.now()));
  await expect(olderField(page)).toHaveAttribute("aria-invalid", "true");

  await button(page, "Wait instead").click();
  await expect(page.getByRole("timer")).toBeVisible();
  await button(page, "Enter two codes in a row").click();
  await site.advance(30);
  await page.keyboard.type(app.code(site.now()));
  await expect(newerField(page)).toBeFocused();
  await site.advance(30);
  await page.keyboard.type(app.code(site.now()));
  await expectSignedIn(page);
});

test("the owner of a locked account signs in at once with a backup code", async ({
  page,
  caller,
  enrolled,
}) => {
  await caller.password(enrolled);
  await caller.guess(enrolled, 5);
  await page.goto("/totp-verify");
  await expect(heading(page, TITLES.locked)).toBeVisible();
  await backupCodeLink(page).click();
  await expect(backupCodeField(page)).toBeFocused();
  await page.keyboard.type(enrolled.backupCodes[0] ?? "");
  await page.keyboard.press("Enter");
  await expectSignedIn(page);
});

test("a stranger who locks the account does not lock out its owner", async ({
  page,
  site,
  enrolledHere,
  otherBrowser,
}) => {
  const stranger = await (await otherBrowser()).newPage();
  await reachSecondFactor(stranger, enrolledHere);
  for (const [index, code] of enrolledHere.app.wrongCodes(site.now(), 5).entries()) {
    await codeField(stranger).fill(code);
    if (index < 4) await expect(stranger.getByText(`${4 - index} tr`).first()).toBeVisible();
  }
  await expect(heading(stranger, TITLES.locked)).toBeVisible();

  await signIn(page, site, enrolledHere);
});
