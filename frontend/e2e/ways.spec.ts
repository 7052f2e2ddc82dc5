/** Ways out and back: leaving a step, running out of time, other tabs, and where one wanted to go. */
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
  await button(page, "Back to sign-in").click();
  await expect(page).toHaveURL("/login");
  await expect(emailField(page)).toHaveValue(email);
  await expect(passwordField(page)).toBeFocused();

  await back();
  await button(page, "Not you?").click();
  await expect(page).toHaveURL("/login");
  await expect(emailField(page)).toHaveValue("");
  await expect(emailField(page)).toBeFocused();
  await page.goBack();
  await expect(page).not.toHaveURL(/email-code|mfa-enroll|totp-verify|backup-code/);
}

test("leaving at the mailed code", async ({ page, person }) => {
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

test("a sign-in that took too long goes back to the start with a sentence and the address", async ({
  page,
  site,
  enrolled,
}) => {
  await reachSecondFactor(page, enrolled);
  await site.advance(5 * 60);

  await codeField(page).fill(enrolled.app.code(site.now()));

  await expectExpired(page, enrolled);
  await submitPassword(page, enrolled);
  await codeField(page).fill(enrolled.app.code(site.now()));
  await expectSignedIn(page);
});

test("the end of a sign-in is announced a minute before, and comes by itself", async ({
  page,
  enrolled,
}) => {
  await page.clock.install();
  await reachSecondFactor(page, enrolled);
  await page.clock.fastForward("04:10");
  await expect(page.getByText(/^This sign-in ends in \d+ s\./)).toBeVisible();
  await page.clock.fastForward("00:50");
  await expectExpired(page, enrolled);
});

async function expectExpired(page: Page, { email }: Enrolled): Promise<void> {
  await expect(page).toHaveURL("/login");
  await expect(page.getByText("That sign-in took too long and has ended.")).toBeVisible();
  await expect(emailField(page)).toHaveValue(email);
}

test("what one tab does the other one follows", async ({ page, context, site, enrolled }) => {
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

test("a step that another tab has taken is not taken twice", async ({
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

test("a session that was ended elsewhere sends to the sign-in", async ({
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

test("a session that has run out says so", async ({ page, site, enrolled }) => {
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

test("one arrives where one wanted to go, with query and fragment", async ({
  page,
  site,
  enrolled,
  watched,
}) => {
  const wanted = "/?tab=codes#left";
  watched.allowPaths("/?tab=codes", wanted);
  await page.goto(wanted);
  await expect(page).toHaveURL("/login");

  await submitPassword(page, enrolled);
  await expect(heading(page, TITLES.totp)).toBeVisible();
  await page.reload();
  await codeField(page).fill(enrolled.app.code(site.now()));

  await expect(page).toHaveURL(wanted);
});

test("steps out of turn lead to the right page", async ({ page, enrolled }) => {
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
