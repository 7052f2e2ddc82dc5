/** Every page and state: axe finds nothing, in light and dark mode, and nothing overflows at any width. */
import type { Page } from "@playwright/test";
import { Authenticator } from "./support/authenticator";
import { inspect } from "./support/inspect";
import { expect, test } from "./support/test";
import {
  backupCodeField,
  button,
  codeField,
  emailCodeField,
  expectSignedIn,
  givePassword,
  reachBackupCodes,
  reachEnrollment,
  reachSecondFactor,
  readKey,
  signIn,
  submitPassword,
  TITLES,
} from "./support/walk";

test("sign-in: empty, incomplete, rejected, throttled", async ({ page, person }) => {
  await page.goto("/login");
  await inspect(page, TITLES.login);
  await button(page, "Sign in").click();
  await expect(page.getByText("Enter your email address")).toBeVisible();
  await inspect(page, TITLES.login);
  for (let tries = 0; tries < 5; tries++) {
    await submitPassword(page, { ...person, password: "wrong" });
    await expect(page.getByText("Email or password is wrong.")).toBeVisible();
  }
  await inspect(page, TITLES.login);
  await submitPassword(page, person);
  await expect(page.getByText(/^Too many tries/).first()).toBeVisible();
  await inspect(page, TITLES.login);
});

test("email code: empty, wrong, used up", async ({ page, site, person }) => {
  await givePassword(page, person);
  await inspect(page, TITLES.emailCode);
  const code = await site.lastCode(person.email);
  for (const by of [1, 2, 3, 4, 5]) {
    const wrong = code.slice(0, 5) + ((Number(code[5]) + by) % 10);
    await emailCodeField(page).fill(wrong);
    if (by < 5) await expect(page.getByText(`${5 - by} tr`)).toBeVisible();
    if (by === 1) await inspect(page, TITLES.emailCode);
  }
  await expect(page.getByText("That code no longer works.")).toBeVisible();
  await inspect(page, TITLES.emailCode);
});

test("enrollment: shown, starting over, wrong code, locked", async ({ page, site, person }) => {
  await reachEnrollment(page, site, person);
  await inspect(page, TITLES.enroll);
  await button(page, "Start over with a new key").click();
  await inspect(page, TITLES.enroll);
  await button(page, "Make a new key").click();
  await expect(page.getByText("This is a new key.")).toBeVisible();
  const app = Authenticator.type(await readKey(page));
  for (const [index, code] of app.wrongCodes(site.now(), 5).entries()) {
    const left = 4 - index;
    await codeField(page).fill(code);
    if (left > 0) await expect(page.getByText(`${left} tr`)).toBeVisible();
    if (left === 4) await inspect(page, TITLES.enroll);
  }
  await inspect(page, TITLES.locked);
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });

  test("enrollment", async ({ page, site, person }) => {
    await reachEnrollment(page, site, person);
    await page.getByText("Use another device").click();
    await expect(page.getByRole("img", { name: /QR code/ })).toBeVisible();
    await inspect(page, TITLES.enroll);
  });

  test("an on-screen keyboard hides neither a field nor its button", async ({
    page,
    site,
    enrolled,
  }) => {
    await page.setViewportSize({ width: 360, height: 420 });
    await expectSubmitVisible(page, "/login");
    await reachSecondFactor(page, enrolled);
    await expectSubmitVisible(page);
    const [wrong = ""] = enrolled.app.wrongCodes(site.now(), 1);
    await codeField(page).fill(wrong);
    await expect(page.getByText("4 tries left.")).toBeVisible();
    await expectSubmitVisible(page);
  });
});

/** The submit button must be visible without scrolling. */
async function expectSubmitVisible(page: Page, path?: string): Promise<void> {
  if (path) await page.goto(path);
  await expect(button(page, "Sign in")).toBeInViewport({ ratio: 1 });
  expect(await page.evaluate(() => window.scrollY)).toBe(0);
}

test("backup codes to save, and the account", async ({ page, site, person }) => {
  await reachBackupCodes(page, site, person);
  await inspect(page, TITLES.codes);
  await button(page, "Copy").click();
  await inspect(page, TITLES.codes);
  await button(page, "Continue").click();
  await expectSignedIn(page);
  await inspect(page, "Student");
  await button(page, "Sign out").click();
  await expect(page.getByText("You are signed out.")).toBeVisible();
  await inspect(page, TITLES.login);
});

test("second factor: empty, used, old", async ({ page, site, enrolled }) => {
  const used = await signIn(page, site, enrolled);
  await button(page, "Sign out").click();
  await reachSecondFactor(page, enrolled);
  await inspect(page, TITLES.totp);
  await codeField(page).fill(used);
  await expect(page.getByText(/^That code was already used/).first()).toBeVisible();
  await inspect(page, TITLES.totp);
  await codeField(page).fill(enrolled.app.code(site.now() - 4 * 60_000));
  await expect(page.getByText(/^That code is old/)).toBeVisible();
  await inspect(page, TITLES.totp);
});

test("backup code: empty, wrong, accepted; few left", async ({ page, caller, enrolled }) => {
  for (const code of enrolled.backupCodes.slice(0, 8)) {
    await caller.password(enrolled);
    await caller.post("/auth/backup-code/verify", { code });
  }
  await caller.post("/auth/logout");
  await reachSecondFactor(page, enrolled);
  await page.getByRole("link", { name: "Use a backup code" }).click();
  await inspect(page, TITLES.backup);
  await backupCodeField(page).fill(enrolled.backupCodes[0] ?? "");
  await button(page, "Sign in").click();
  await expect(page.getByText("That code was already used.")).toBeVisible();
  await inspect(page, TITLES.backup);
  await backupCodeField(page).fill("0000-0000-0000-0000");
  await button(page, "Sign in").click();
  await expect(page.getByText("That code is wrong.")).toBeVisible();
  await inspect(page, TITLES.backup);
  await backupCodeField(page).fill(enrolled.backupCodes[9] ?? "");
  await button(page, "Sign in").click();
  await expect(
    page.getByText("You used a backup code. You have 1 backup code left."),
  ).toBeVisible();
  await inspect(page, "Student");
});

test("locked, guarded, and about to expire", async ({ page, site, caller, enrolled }) => {
  for (const wait of [15 * 60, 60 * 60]) {
    await caller.password(enrolled);
    await caller.guess(enrolled, 5);
    await page.goto("/totp-verify");
    await inspect(page, TITLES.locked);
    await button(page, "Enter two codes in a row").click();
    await inspect(page, TITLES.guarded);
    await site.advance(wait);
  }
  await caller.password(enrolled);
  await caller.guess(enrolled, 5);
  await site.advance(4 * 60 + 10);
  await page.reload();
  await expect(page.getByText(/^This sign-in expires in/)).toBeVisible();
  await inspect(page, TITLES.guarded);
});

test("page not found, no response, a page that failed to load, still loading", async ({
  page,
  person,
  watched,
}) => {
  watched.allowPaths("/nowhere");
  watched.expectError(/Failed to fetch dynamically imported module/);
  await page.goto("/nowhere");
  await inspect(page, "Page not found");

  await page.route("**/auth/status", (route) => route.abort());
  await page.goto("/");
  await inspect(page, "No response from the server");

  await page.unroute("**/auth/status");
  await page.route("**/assets/EmailCode-*.js", (route) => route.abort());
  await givePassword(page, person);
  await inspect(page, "This page did not load");

  await page.unroute("**/assets/EmailCode-*.js");
  await page.route("**/auth/status", () => undefined);
  await page.goto("/email-code");
  await expect(page.getByText("Loading…")).toBeVisible();
  await inspect(page, "Loading…");
  await page.unrouteAll({ behavior: "ignoreErrors" });
});
