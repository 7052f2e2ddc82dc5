/** The steps of a sign-in, with the texts of the pages. */
import { expect, type Page } from "@playwright/test";
import { Authenticator } from "./authenticator";
import type { Enrolled, Person } from "./people";
import type { Site } from "./site";

export const TITLES = {
  login: /^Sign in to /,
  emailCode: /^Check (your email|the server console)$/,
  enroll: "Set up your authenticator app",
  codes: "Save your backup codes",
  totp: "Enter your code",
  guarded: "Enter two codes in a row",
  backup: "Use a backup code",
  locked: "Account locked",
};

export const heading = (page: Page, title: string | RegExp) =>
  page.getByRole("heading", { level: 1, name: title });

export const emailField = (page: Page) => page.getByRole("textbox", { name: "Email", exact: true });
export const passwordField = (page: Page) => page.getByLabel("Password", { exact: true });
export const emailCodeField = (page: Page) => page.getByRole("textbox", { name: "Email code" });
export const ticketField = (page: Page) => page.getByRole("textbox", { name: "Ticket" });
export const codeField = (page: Page) => page.getByRole("textbox", { name: "Six-digit code" });
export const backupCodeField = (page: Page) => page.getByRole("textbox", { name: "Backup code" });
export const olderField = (page: Page) =>
  page.getByRole("textbox", { name: "The code your app shows now" });
export const newerField = (page: Page) => page.getByRole("textbox", { name: "The next code" });
export const backupCodeLink = (page: Page) => page.getByRole("link", { name: "Use a backup code" });
export const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

/** Opens the sign-in page and submits email and password. */
export async function givePassword(page: Page, { email, password }: Person): Promise<void> {
  await page.goto("/login");
  await submitPassword(page, { email, password });
}

export async function submitPassword(page: Page, { email, password }: Person): Promise<void> {
  await expect(heading(page, TITLES.login)).toBeVisible();
  await emailField(page).fill(email);
  await passwordField(page).fill(password);
  await button(page, "Sign in").click();
}

/** As far as the enrollment page. */
export async function reachEnrollment(page: Page, site: Site, person: Person): Promise<void> {
  await givePassword(page, person);
  await expect(heading(page, TITLES.emailCode)).toBeVisible();
  await emailCodeField(page).fill(await site.lastCode(person.email));
  await expect(heading(page, TITLES.enroll)).toBeVisible();
  await expect(setupKey(page)).toBeVisible();
}

export const setupKey = (page: Page) => page.locator("code");

export async function readKey(page: Page): Promise<string> {
  return (await setupKey(page).innerText()).replace(/\s/g, "");
}

/** As far as the backup codes; returns the app that now has the key. */
export async function reachBackupCodes(page: Page, site: Site, person: Person) {
  await reachEnrollment(page, site, person);
  const app = Authenticator.type(await readKey(page));
  await codeField(page).fill(app.code(site.now()));
  await expect(heading(page, TITLES.codes)).toBeVisible();
  return app;
}

export async function readBackupCodes(page: Page): Promise<string[]> {
  return page.getByRole("list", { name: "Backup codes" }).getByRole("listitem").allInnerTexts();
}

/** As far as the second factor. */
export async function reachSecondFactor(page: Page, person: Enrolled): Promise<void> {
  await givePassword(page, person);
  await expect(heading(page, TITLES.totp)).toBeVisible();
}

export async function expectSignedIn(page: Page): Promise<void> {
  await expect(page.getByText("Authenticator app")).toBeVisible();
  await expect(page).toHaveURL("/");
}

/** A complete sign-in with the app; returns the code, which is now used. */
export async function signIn(page: Page, site: Site, person: Enrolled): Promise<string> {
  await reachSecondFactor(page, person);
  const code = person.app.code(site.now());
  await codeField(page).fill(code);
  await expectSignedIn(page);
  return code;
}

/** The dialog that asks someone who is signed in for another proof. */
export const stepUpDialog = (page: Page) =>
  page.getByRole("dialog", { name: "Confirm that it is you" });

/** Signs in in another browser, then in this one. */
export async function signInTwice(other: Page, page: Page, site: Site, person: Enrolled) {
  await signIn(other, site, person);
  await site.advance(30);
  await signIn(page, site, person);
}
