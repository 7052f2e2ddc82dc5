/** Trouble: too many tries, no network, a slow one, or no server. */
import { expect, test } from "./support/test";
import {
  button,
  codeField,
  emailField,
  expectSignedIn,
  givePassword,
  heading,
  passwordField,
  reachSecondFactor,
  submitPassword,
  TITLES,
} from "./support/walk";

test("after too many wrong passwords there is a visible wait", async ({ page, site, person }) => {
  await page.clock.install();
  await page.goto("/login");
  for (let tries = 0; tries < 5; tries++) {
    await submitPassword(page, { ...person, password: `wrong ${tries}` });
    await expect(page.getByText("Email or password is wrong.")).toBeVisible();
    await expect(passwordField(page)).toBeFocused();
  }
  await submitPassword(page, person);
  const words = page.getByText(/^Too many tries\. You can try again in \d+\ss\.$/).first();
  await expect(words).toBeVisible();
  const before = await words.innerText();
  await page.clock.runFor(2000);
  await expect(words).not.toHaveText(before);
  await expect(button(page, "Sign in")).toHaveAttribute("aria-disabled", "true");

  await site.advance(15);
  await page.clock.fastForward("00:15");
  await expect(words).toBeHidden();
  await button(page, "Sign in").click();
  await expect(heading(page, TITLES.emailCode)).toBeVisible();
});

test("the wait is only for one email address", async ({ page, caller, person, enrolled }) => {
  const wrong = { email: "nobody@student.com", password: "wrong" };
  for (let tries = 0; tries < 5; tries++) await caller.post("/auth/login", wrong);
  await givePassword(page, { ...person, email: wrong.email });
  await expect(page.getByText(/^Too many tries/).first()).toBeVisible();
  await submitPassword(page, enrolled);
  await expect(heading(page, TITLES.totp)).toBeVisible();
});

test("offline, the page says so and keeps what was typed", async ({ page, context, person }) => {
  await page.goto("/login");
  await expect(heading(page, TITLES.login)).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByText("You are offline. What you typed stays here.")).toBeVisible();
  await submitPassword(page, person);
  await expect(page.getByText("Nothing was sent.")).toBeVisible();
  await expect(emailField(page)).toHaveValue(person.email);
  await expect(passwordField(page)).toHaveValue(person.password);

  await context.setOffline(false);
  await expect(page.getByText("What you typed stays here.")).toBeHidden();
  await expect(page.getByText("Nothing was sent.")).toBeHidden();
  await button(page, "Sign in").click();
  await expect(heading(page, TITLES.emailCode)).toBeVisible();
});

test("a slow response is explained while waiting", async ({ page, site, enrolled }) => {
  await page.clock.install();
  await reachSecondFactor(page, enrolled);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route("**/auth/totp/verify", async (route) => {
    await held;
    await route.continue();
  });
  await codeField(page).fill(enrolled.app.code(site.now()));
  await expect(page.locator("button[type=submit]")).toHaveAttribute("aria-busy", "true");
  await page.clock.runFor(4500);
  await expect(page.getByText("Still working. The connection seems slow.")).toBeVisible();
  release();
  await expectSignedIn(page);
});

test("a code that did not reach the server can be submitted again", async ({
  page,
  site,
  enrolled,
}) => {
  await reachSecondFactor(page, enrolled);
  await page.route("**/auth/totp/verify", (route) => route.abort(), { times: 1 });
  await codeField(page).fill(enrolled.app.code(site.now()));
  await expect(page.getByText("The server did not respond.")).toBeVisible();
  await button(page, "Sign in").click();
  await expectSignedIn(page);
});

test("an error from a proxy is explained", async ({ page, person }) => {
  await page.goto("/login");
  await page.route("**/auth/login", (route) =>
    route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad Gateway</h1>" }),
  );
  await submitPassword(page, person);
  await expect(page.getByText("The server is not available. Please try again.")).toBeVisible();
});

test("opened offline, the page says so and continues by itself", async ({ page, context }) => {
  await page.goto("/login");
  await expect(heading(page, TITLES.login)).toBeVisible();
  await page.route("**/auth/status", (route) => route.abort());
  await page.addInitScript(() => {
    Object.defineProperty(navigator, "onLine", { get: () => false });
  });
  await page.reload();
  await expect(heading(page, "You are offline")).toBeVisible();
  await page.unroute("**/auth/status");
  await context.setOffline(true);
  await context.setOffline(false);
  await expect(heading(page, TITLES.login)).toBeVisible();
});

test("the form has a title before the server has named the app", async ({ page }) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route("**/auth/status", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto("/login");
  await expect(heading(page, "Sign in")).toBeVisible();
  await expect(page).toHaveTitle("Sign in");
  await expect(emailField(page)).toBeFocused();
  await emailField(page).fill("typed@early.example");

  release();
  await expect(heading(page, TITLES.login)).toBeVisible();
  await expect(page).toHaveTitle(/^Sign in to /);
  await expect(emailField(page)).toHaveValue("typed@early.example");
});

test("without a first response, the page offers to try again", async ({ page }) => {
  await page.route("**/auth/status", (route) => route.abort());
  await page.goto("/");
  await expect(heading(page, "No response from the server")).toBeVisible();
  await page.unroute("**/auth/status");
  await button(page, "Try again").click();
  await expect(heading(page, TITLES.login)).toBeVisible();
});

test("a page that failed to load offers a reload", async ({ page, enrolled, watched }) => {
  watched.expectError(/Failed to fetch dynamically imported module/);
  await page.route("**/assets/TOTPVerify-*.js", (route) => route.abort());
  await givePassword(page, enrolled);
  await expect(heading(page, "This page did not load")).toBeVisible();
  await page.unroute("**/assets/TOTPVerify-*.js");
  await button(page, "Reload").click();
  await expect(heading(page, TITLES.totp)).toBeVisible();
});
