/** The guide's Test Flows 1, 2 and 3, on SQLite and on PostgreSQL. */
import type { Page } from "@playwright/test";
import { Authenticator, mintotpCode, pyotpCode } from "./support/authenticator";
import { ALICE, BOB, CAROL } from "./support/people";
import { scanScreen } from "./support/qr";
import type { Site } from "./support/site";
import { expect, test } from "./support/test";
import {
  button,
  codeField,
  emailCodeField,
  expectSignedIn,
  givePassword,
  heading,
  reachEnrollment,
  readBackupCodes,
  readKey,
  submitPassword,
  TITLES,
} from "./support/walk";

test.use({ ownSite: true });

const SCREENS = [
  { colorScheme: "light", viewport: { width: 1440, height: 900 } },
  { colorScheme: "dark", viewport: { width: 1440, height: 900 } },
  { colorScheme: "light", viewport: { width: 360, height: 740 } },
  { colorScheme: "dark", viewport: { width: 360, height: 740 } },
] as const;

for (const { colorScheme, viewport } of SCREENS) {
  test.describe(`${colorScheme}, ${viewport.width} px`, () => {
    test.use({ colorScheme, viewport });

    test("Flow 1: the first sign-in enrolls an app, the second one skips the email code", async ({
      page,
      site,
      watched,
    }) => {
      await givePassword(page, ALICE);
      await expect(page).toHaveURL("/email-code");
      await emailCodeField(page).fill(await site.lastCode(ALICE.email));
      await expect(page).toHaveURL("/mfa-enroll");

      const app = await scanAndCompare(page);
      await codeField(page).fill(app.code(site.now()));
      await expect(heading(page, TITLES.codes)).toBeVisible();
      const codes = await readBackupCodes(page);
      expect(new Set(codes).size).toBe(10);
      watched.forbid(ALICE.password, app.key, ...codes);
      await button(page, "Copy").click();
      await button(page, "Continue").click();
      await expectSignedIn(page);
      await expect(page.getByText("10 left")).toBeVisible();

      await button(page, "Sign out").click();
      await expect(page.getByText("You are signed out.")).toBeVisible();
      await site.advance(30);
      await submitPassword(page, ALICE);
      await expect(page).toHaveURL("/totp-verify");
      await codeField(page).fill(app.code(site.now()));
      await expectSignedIn(page);
      expect(site.codesSent(ALICE.email)).toBe(1);
    });
  });
}

/** The QR code must contain the same key as the page shows as text. */
async function scanAndCompare(page: Page): Promise<Authenticator> {
  const app = Authenticator.scan(await scanScreen(page));
  expect(app.key).toBe(await readKey(page));
  expect(app.entry).toEqual({ issuer: "FOCYS", account: ALICE.email });
  return app;
}

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });

  test("Flow 1: the link into the app comes first, the QR code is for another device", async ({
    page,
    site,
  }) => {
    await reachEnrollment(page, site, ALICE);
    const link = await page
      .getByRole("link", { name: "Open in authenticator app" })
      .getAttribute("href");
    await page.getByText("Use another device").click();

    expect(await scanScreen(page)).toBe(link);
    await codeField(page).fill(Authenticator.scan(link ?? "").code(site.now()));

    await expect(heading(page, TITLES.codes)).toBeVisible();
  });
});

test("Flow 2: five wrong codes lock, a restart does not unlock, fifteen minutes do", async ({
  page,
  site,
  caller,
}) => {
  const { app } = await caller.enroll(BOB);
  await page.clock.install();
  await givePassword(page, BOB);
  await expect(heading(page, TITLES.totp)).toBeVisible();

  await typeWrongCodes(page, site, app);
  await expect(heading(page, TITLES.locked)).toBeVisible();
  const countdown = page.getByRole("timer");
  await expect(countdown).toHaveText(/^1[45]:\d\d$/);
  const before = await countdown.innerText();
  await page.clock.runFor(2000);
  await expect(countdown).not.toHaveText(before);

  await site.restart();
  await page.reload();
  await expect(heading(page, TITLES.locked)).toBeVisible();
  const refused = await caller.post("/auth/totp/verify", { code: app.code(site.now()) });
  expect(refused.status()).toBe(429);

  await site.advance(15 * 60);
  await page.clock.fastForward("15:00");
  await expect(page.getByText("Your account is unlocked.")).toBeVisible();
  await submitPassword(page, BOB);
  await codeField(page).fill(app.code(site.now()));
  await expectSignedIn(page);
});

async function typeWrongCodes(page: Page, site: Site, app: Authenticator): Promise<void> {
  const left = [
    "4 tries left",
    "3 tries left",
    "2 tries left, then a 15-minute pause",
    "1 try left, then a 15-minute pause",
  ];
  const codes = app.wrongCodes(site.now(), 5);
  for (const [index, code] of codes.entries()) {
    await codeField(page).fill(code);
    const words = left[index];
    if (words) await expect(page.getByText(`That code is wrong. ${words}.`)).toBeVisible();
  }
}

test("Flow 3: the key alone gives working codes in a new app", async ({
  page,
  site,
  otherBrowser,
}) => {
  await reachEnrollment(page, site, CAROL);
  const key = await readKey(page);
  expect(key).toMatch(/^[A-Z2-7]{32}$/);
  await codeField(page).fill(Authenticator.type(key).code(site.now()));
  await expect(heading(page, TITLES.codes)).toBeVisible();

  const elsewhere = await (await otherBrowser()).newPage();
  for (const codeOf of [pyotpCode, mintotpCode]) {
    await site.advance(30);
    await givePassword(elsewhere, CAROL);
    await codeField(elsewhere).fill(codeOf(key, site.now()));
    await expectSignedIn(elsewhere);
    await button(elsewhere, "Sign out").click();
  }
});
