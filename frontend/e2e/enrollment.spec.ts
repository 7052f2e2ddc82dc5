/** Setting up the app: the key stays until it is confirmed or replaced, and the backup codes must be saved. */
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { Authenticator } from "./support/authenticator";
import { expect, test } from "./support/test";
import {
  button,
  codeField,
  emailCodeField,
  expectSignedIn,
  givePassword,
  heading,
  reachBackupCodes,
  reachEnrollment,
  readBackupCodes,
  readKey,
  setupKey,
  TITLES,
  ticketField,
} from "./support/walk";

test("a reload and a second tab show the same key", async ({ page, context, site, person }) => {
  await reachEnrollment(page, site, person);
  const key = await readKey(page);

  await page.reload();
  await expect(setupKey(page)).toBeVisible();
  expect(await readKey(page)).toBe(key);

  const second = await context.newPage();
  await second.goto("/mfa-enroll");
  await expect(setupKey(second)).toBeVisible();
  expect(await readKey(second)).toBe(key);
});

test("after a reset, enrolling again needs the ticket", async ({ page, site, enrolledHere }) => {
  const ticket = await site.resetMfa(enrolledHere.email);
  await givePassword(page, enrolledHere);
  await emailCodeField(page).fill(await site.lastCode(enrolledHere.email));
  await expect(ticketField(page)).toBeFocused();

  await ticketField(page).fill("0000-0000-0000-0000");
  await button(page, "Continue").click();
  await expect(page.getByText("That ticket is wrong or has expired.")).toBeVisible();
  await ticketField(page).fill(ticket.toLowerCase());
  await button(page, "Continue").click();

  await expect(heading(page, TITLES.enroll)).toBeVisible();
  await codeField(page).fill(Authenticator.type(await readKey(page)).code(site.now()));
  await expect(heading(page, TITLES.codes)).toBeVisible();
});

test("starting over makes a new key, and the old one stops working", async ({
  page,
  site,
  person,
}) => {
  await reachEnrollment(page, site, person);
  const old = Authenticator.type(await readKey(page));
  await button(page, "Start over with a new key").click();
  await button(page, "Keep this one").click();
  expect(await readKey(page)).toBe(old.key);

  await button(page, "Start over with a new key").click();
  await button(page, "Make a new key").click();
  await expect(page.getByText("This is a new key.")).toBeVisible();
  const fresh = Authenticator.type(await readKey(page));
  expect(fresh.key).not.toBe(old.key);

  await codeField(page).fill(old.code(site.now()));
  await expect(page.getByText("That code is wrong. 4 tries left.")).toBeVisible();
  await codeField(page).fill(fresh.code(site.now()));
  await expect(heading(page, TITLES.codes)).toBeVisible();
});

test("a wrong first code does not change the key", async ({ page, site, person }) => {
  await reachEnrollment(page, site, person);
  const app = Authenticator.type(await readKey(page));

  for (const code of app.wrongCodes(site.now(), 1)) await codeField(page).fill(code);
  await expect(page.getByText("That code is wrong. 4 tries left.")).toBeVisible();
  expect(await readKey(page)).toBe(app.key);
  await page.reload();
  await expect(setupKey(page)).toBeVisible();
  expect(await readKey(page)).toBe(app.key);

  await codeField(page).fill(app.code(site.now()));
  await expect(heading(page, TITLES.codes)).toBeVisible();
});

test("five wrong first codes lock the account", async ({ page, site, person }) => {
  await reachEnrollment(page, site, person);
  const app = Authenticator.type(await readKey(page));
  for (const [index, code] of app.wrongCodes(site.now(), 5).entries()) {
    await codeField(page).fill(code);
    if (index < 4) await expect(codeField(page)).toHaveAttribute("aria-invalid", "true");
    if (index < 4) await expect(page.getByText(`${4 - index} tr`)).toBeVisible();
  }

  await expect(heading(page, TITLES.locked)).toBeVisible();
  await expect(page.getByRole("timer")).toHaveText(/^1[45]:\d\d$/);
});

test("the key and the link are copied in full", async ({ page, site, person }) => {
  await reachEnrollment(page, site, person);
  const key = await readKey(page);

  await button(page, "Copy key").click();
  await expect(page.getByText("Copied").first()).toBeVisible();
  expect(await clipboard(page)).toBe(key);
  await button(page, "Copy setup link").click();
  await expect.poll(() => clipboard(page)).toMatch(/^otpauth:\/\/totp\//);
  expect(Authenticator.scan(await clipboard(page)).key).toBe(key);
});

test("the backup codes must be copied, downloaded or printed before continuing", async ({
  page,
  site,
  person,
}) => {
  await reachBackupCodes(page, site, person);
  const codes = await readBackupCodes(page);
  expect(new Set(codes).size).toBe(10);
  for (const code of codes) expect(code).toMatch(/^([0-9A-Z]{4}-){3}[0-9A-Z]{4}$/);

  await button(page, "Continue").click({ force: true });
  await expect(heading(page, TITLES.codes)).toBeVisible();
  const asking = page.waitForEvent("dialog");
  await page.evaluate(() => setTimeout(() => location.reload()));
  const dialog = await asking;
  expect(dialog.type()).toBe("beforeunload");
  await dialog.dismiss();

  const downloading = page.waitForEvent("download");
  await button(page, "Download").click();
  const file = await downloading;
  expect(file.suggestedFilename()).toMatch(/^focys-backup-codes-\d{4}-\d\d-\d\d\.txt$/);
  const text = await readFile(await file.path(), "utf8");
  for (const words of [...codes, person.email, site.url]) expect(text).toContain(words);
  await button(page, "Copy").click();
  await expect.poll(() => clipboard(page)).toBe(text);

  await button(page, "Continue").click();
  await expectSignedIn(page);
  await page.goBack();
  await expect(page.getByText(codes[0] ?? "")).toBeHidden();
});

test("printing counts as saving, and prints only the codes", async ({ page, site, person }) => {
  await page.addInitScript(() => {
    window.print = () => document.documentElement.setAttribute("data-printed", "");
  });
  await reachBackupCodes(page, site, person);

  await button(page, "Print").click();
  await expect(page.locator("html")).toHaveAttribute("data-printed");
  await page.emulateMedia({ media: "print" });
  await expect(page.getByText(`Account: ${person.email}`)).toBeVisible();
  await expect(page.getByRole("list", { name: "Backup codes" })).toBeVisible();
  await expect(page.getByRole("button")).toHaveCount(0);
  await page.emulateMedia({ media: null });

  await button(page, "Continue").click();
  await expectSignedIn(page);
});

const clipboard = (page: Page) => page.evaluate(() => navigator.clipboard.readText());
