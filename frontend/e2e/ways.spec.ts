/** Ways out and back: leaving a step, running out of time, other tabs, and the page to return to. */
import type { Page } from "@playwright/test";
import type { Enrolled } from "./support/people";
import { expect, test } from "./support/test";
import {
  backupCodeField,
  button,
  codeField,
  emailField,
  expectSignedIn,
  givePassword,
  heading,
  passwordField,
  reachEnrollment,
  reachSecondFactor,
  signIn,
  submitPassword,
  TITLES,
} from "./support/walk";

async function expectWaysOut(page: Page, email: string, back: () => Promise<void>): Promise<void> {
  const canceled = page.waitForResponse((response) => response.request().method() === "DELETE");
  await button(page, "Back to sign-in").click();
  await expect(page).toHaveURL("/login");
  await canceled;
  await expect(emailField(page)).toHaveValue(email);
  await expect(passwordField(page)).toBeFocused();

  await back();
  if (page.url().endsWith("/backup-code")) {
    await page.goBack();
    await expect(page).toHaveURL("/totp-verify");
  }
  await page.goBack();
  await expect(page).toHaveURL("/login");
  await expect(emailField(page)).toHaveValue(email);
  await page.goForward();
  await expect(page).toHaveURL("/login");

  await button(page, "Not you?").click();
  await expect(emailField(page)).toHaveValue("");
  await expect(emailField(page)).toBeFocused();
  await expect(button(page, "Not you?")).toBeHidden();
}

test("leaving at the email code", async ({ page, person }) => {
  const reach = async () => {
    await givePassword(page, person);
    await expect(heading(page, TITLES.emailCode)).toBeVisible();
    await expect(page.getByText(masked(person.email))).toBeVisible();
  };
  await reach();
  await expectWaysOut(page, person.email, reach);
});

test("leaving at the enrollment", async ({ page, site, person }) => {
  const reach = () => reachEnrollment(page, site, person);
  await reach();
  await expect(page.getByText(masked(person.email))).toBeVisible();
  await expectWaysOut(page, person.email, reach);
});

test("leaving at the second factor", async ({ page, enrolled }) => {
  const reach = () => reachSecondFactor(page, enrolled);
  await reach();
  await expect(page.getByText(masked(enrolled.email))).toBeVisible();
  await expectWaysOut(page, enrolled.email, reach);
});

test("leaving at the backup code", async ({ page, enrolled }) => {
  const reach = async () => {
    await reachSecondFactor(page, enrolled);
    await page.getByRole("link", { name: "Use a backup code" }).click();
    await expect(heading(page, TITLES.backup)).toBeVisible();
  };
  await reach();
  await expectWaysOut(page, enrolled.email, reach);
});

test("leaving while locked", async ({ page, caller, enrolled }) => {
  await caller.password(enrolled);
  await caller.guess(enrolled, 5);
  await caller.leave();
  const reach = async () => {
    await givePassword(page, enrolled);
    await expect(heading(page, TITLES.locked)).toBeVisible();
  };
  await reach();
  await expectWaysOut(page, enrolled.email, reach);
});

test("a sign-in that took too long goes back to the start, says why, and keeps the email address", async ({
  page,
  site,
  enrolled,
}) => {
  await page.clock.install({ time: site.now() });
  await reachSecondFactor(page, enrolled);
  // As after the computer was asleep: no timer has run.
  await page.clock.pauseAt(site.now() + 1000);
  await site.advance(5 * 60);
  await page.clock.setSystemTime(site.now());

  await codeField(page).fill(enrolled.app.code(site.now()));

  await expectExpired(page, enrolled);
  await page.clock.resume();
  await submitPassword(page, enrolled);
  await codeField(page).fill(enrolled.app.code(site.now()));
  await expectSignedIn(page);
});

test("a sign-in warns a minute before it expires, and then expires by itself", async ({
  page,
  enrolled,
}) => {
  await page.clock.install();
  await reachSecondFactor(page, enrolled);
  await page.clock.fastForward("04:10");
  await expect(page.getByText(/^This sign-in expires in \d+ s\./)).toBeVisible();
  await page.clock.fastForward("00:50");
  await expectExpired(page, enrolled);
});

async function expectExpired(page: Page, { email }: Enrolled): Promise<void> {
  await expect(page).toHaveURL("/login");
  await expect(page.getByText("That sign-in took too long and has expired.")).toBeVisible();
  await expect(emailField(page)).toHaveValue(email);
}

test("tabs follow each other", async ({ page, context, site, enrolled }) => {
  const second = await context.newPage();
  await reachSecondFactor(page, enrolled);
  await second.goto("/");
  await expect(heading(second, TITLES.totp)).toBeVisible();

  await codeField(page).fill(enrolled.app.code(site.now()));
  await expectSignedIn(page);
  await expectSignedIn(second);

  await button(second, "Sign out").click();
  await expect(second).toHaveURL("/login");
  await expect(page).toHaveURL("/login");
});

test("a step completed in one tab is completed in the other one", async ({
  page,
  context,
  site,
  enrolled,
}) => {
  await reachSecondFactor(page, enrolled);
  const second = await context.newPage();
  await second.goto("/backup-code");
  await expect(backupCodeField(second)).toBeVisible();

  await codeField(page).fill(enrolled.app.code(site.now()));

  await expectSignedIn(page);
  await expectSignedIn(second);
});

test("a session that ended elsewhere leads to the sign-in", async ({
  page,
  site,
  caller,
  enrolled,
}) => {
  await signIn(page, site, enrolled);
  await caller.post("/auth/logout");

  await page.reload();

  await expect(page).toHaveURL("/login");
  await expect(emailField(page)).toHaveValue(enrolled.email);
});

test("an expired session leads to the sign-in, and says why", async ({ page, site, enrolled }) => {
  await signIn(page, site, enrolled);
  await site.advance(8 * 24 * 3600);

  await page.reload();

  await expect(page.getByText("Your session has ended. Please sign in again.")).toBeVisible();
  await expect(page).toHaveURL("/login");
});

test("a reload keeps the session, and a new tab has it too", async ({
  page,
  context,
  site,
  enrolled,
}) => {
  await signIn(page, site, enrolled);
  await page.reload();
  await expectSignedIn(page);
  const second = await context.newPage();
  await second.goto("/login");
  await expectSignedIn(second);
});

test("signing in leads to the page that was requested, with query and fragment", async ({
  page,
  site,
  enrolled,
  watched,
}) => {
  const requested = "/?tab=codes#left";
  watched.allowPaths("/?tab=codes", requested);
  await page.goto(requested);
  await expect(page).toHaveURL("/login");

  await submitPassword(page, enrolled);
  await expect(heading(page, TITLES.totp)).toBeVisible();
  await page.reload();
  await codeField(page).fill(enrolled.app.code(site.now()));

  await expect(page).toHaveURL(requested);
});

test("the path of another step leads to the current one", async ({ page, enrolled }) => {
  for (const path of ["/totp-verify", "/email-code", "/mfa-enroll", "/backup-code"]) {
    await page.goto(path);
    await expect(page).toHaveURL("/login");
  }
  await reachSecondFactor(page, enrolled);
  for (const path of ["/login", "/", "/mfa-enroll", "/email-code"]) {
    await page.goto(path);
    await expect(page).toHaveURL("/totp-verify");
  }
});

const masked = (email: string) => `${email.slice(0, 1)}…${email.slice(email.indexOf("@") - 1)}`;
