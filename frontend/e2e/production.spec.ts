/** The guide's whole session on a production deployment: nginx with TLS, four workers, PostgreSQL, Valkey, a mail server. */
import { type BrowserContext, test as base, devices, expect, type Page } from "@playwright/test";
import { Authenticator } from "./support/authenticator";
import type { Person } from "./support/people";
import { scanScreen } from "./support/qr";
import { Stack } from "./support/stack";
import {
  button,
  codeField,
  emailCodeField,
  expectSignedIn,
  givePassword,
  heading,
  readBackupCodes,
  readKey,
  setupKey,
  submitPassword,
  TITLES,
} from "./support/walk";
import { type Watch, watch } from "./support/watch";

const STEP_MS = 30_000;
const YEAR = "max-age=31536000";
const { defaultBrowserType: _, ...PHONE } = devices["Pixel 7"];
const SCREENS = { desktop: {}, phone: PHONE };

const test = base.extend<{ watched: Watch }, { stack: Stack }>({
  stack: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads which fixtures are wanted from it
    async ({}, use) => {
      const stack = await Stack.start();
      await use(stack);
      await stack.stop();
    },
    { scope: "worker", timeout: 90_000 },
  ],
  browser: [
    async ({ stack }, use) => {
      const browser = await stack.browser();
      await use(browser);
      await browser.close();
    },
    { scope: "worker" },
  ],
  baseURL: async ({ stack }, use) => use(stack.url),
  watched: [
    async ({ context, stack }, use, info) => {
      const watched = await watch(context, stack.url);
      await use(watched);
      if (info.status !== info.expectedStatus)
        await info.attach("server", { body: stack.recentOutput, contentType: "text/plain" });
      await watched.check();
    },
    { auto: true },
  ],
});

for (const [name, screen] of Object.entries(SCREENS)) {
  test.describe(`on a ${name}`, () => {
    test.use(screen);

    test("first sign-in, second sign-in, and a lock that survives a restart", async ({
      stack,
      context,
      page,
      watched,
    }) => {
      const person = await stack.person(`${name}@example.com`);
      watched.forbid(person.password);

      const app = await firstSignIn(page, stack, person, watched);
      await expectStrictCookies(context);
      await button(page, "Sign out").click();
      await expect(page.getByText("You are signed out.")).toBeVisible();

      await submitPassword(page, person);
      await expect(page).toHaveURL("/totp-verify");
      // The code for the next 30 seconds, because the current one is used.
      await codeField(page).fill(app.code(stack.now() + STEP_MS));
      await expectSignedIn(page);
      expect(stack.emails(person.email).filter(({ code }) => code)).toHaveLength(1);

      await button(page, "Sign out").click();
      await submitPassword(page, person);
      await lockByWrongCodes(page, stack, app);
      await stack.restart();
      await page.reload();
      await expect(heading(page, TITLES.locked)).toBeVisible();
      await expect(page.getByRole("timer")).toHaveText(/^1[45]:\d\d$/);
    });
  });
}

async function firstSignIn(
  page: Page,
  stack: Stack,
  person: Person,
  watched: Watch,
): Promise<Authenticator> {
  await givePassword(page, person);
  await expect(page).toHaveURL("/email-code");
  await emailCodeField(page).fill(await stack.lastCode(person.email));
  await expect(page).toHaveURL("/mfa-enroll");
  expect(stack.emails(person.email).every(({ overTls }) => overTls)).toBe(true);

  const otherDevice = page.getByText("Use another device");
  await expect(otherDevice.or(setupKey(page)).first()).toBeVisible();
  if (await otherDevice.isVisible()) await otherDevice.click();
  const app = Authenticator.scan(await scanScreen(page));
  expect(app.key).toBe(await readKey(page));
  expect(app.entry).toEqual({ issuer: "FOCYS", account: person.email });
  await codeField(page).fill(app.code(stack.now()));
  await expect(heading(page, TITLES.codes)).toBeVisible();
  const codes = await readBackupCodes(page);
  expect(new Set(codes).size).toBe(10);
  watched.forbid(app.key, ...codes);
  await button(page, "Copy").click();
  await button(page, "Continue").click();
  await expectSignedIn(page);
  await expect(page.getByText("10 left")).toBeVisible();
  return app;
}

async function expectStrictCookies(context: BrowserContext): Promise<void> {
  const cookies = await context.cookies();
  expect(cookies.map(({ name }) => name).sort()).toEqual([
    "__Host-focys_browser",
    "__Host-focys_refresh",
  ]);
  for (const cookie of cookies)
    expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: "Strict", path: "/" });
}

async function lockByWrongCodes(page: Page, stack: Stack, app: Authenticator): Promise<void> {
  const left = [
    "4 tries left",
    "3 tries left",
    "2 tries left, then a 15-minute pause",
    "1 try left, then a 15-minute pause",
  ];
  for (const [index, code] of app.wrongCodes(stack.now(), 5).entries()) {
    await codeField(page).fill(code);
    const words = left[index];
    if (words) await expect(page.getByText(`That code is wrong. ${words}.`)).toBeVisible();
  }
  await expect(heading(page, TITLES.locked)).toBeVisible();
}

test("HTTP redirects to HTTPS once; after that, the browser does so by itself", async ({
  browser,
  stack,
}) => {
  const page = await browser.newPage();
  const plain = `http://${stack.address.host}/login`;

  const first = await redirectTo(page, plain);
  const second = await redirectTo(page, plain);

  expect(first).toEqual({ status: 301, reason: undefined });
  expect(second).toEqual({ status: 307, reason: "HSTS" });
  await page.close();
});

async function redirectTo(page: Page, address: string) {
  const response = await page.goto(address);
  expect(page.url()).toBe(address.replace("http:", "https:"));
  const redirect = await response?.request().redirectedFrom()?.response();
  const headers = await redirect?.allHeaders();
  return { status: redirect?.status(), reason: headers?.["non-authoritative-reason"] };
}

test("pages are served over HTTP/2 with every header, and hashed files are cached", async ({
  page,
}) => {
  const cached: Record<string, string> = {};
  const called: Record<string, string> = {};
  page.on("response", (received) => {
    const path = new URL(received.url()).pathname;
    const policy = received.headers()["cache-control"] ?? "";
    if (path.startsWith("/assets/")) cached[path] = policy;
    if (path.startsWith("/api/")) called[path] = policy;
  });

  const response = await page.goto("/login");
  await expect(heading(page, TITLES.login)).toBeVisible();
  const headers = (await response?.allHeaders()) ?? {};

  expect(headers["strict-transport-security"]).toContain(YEAR);
  expect(headers["content-security-policy"]).toContain("require-trusted-types-for 'script'");
  expect(headers["cache-control"]).toBe("no-cache");
  expect(headers.server).toBe("nginx");
  expect(Object.keys(cached).length).toBeGreaterThan(1);
  for (const policy of Object.values(cached))
    expect(policy).toBe("public, max-age=31536000, immutable");
  expect(called).toEqual({ "/api/auth/status": "no-store" });
  expect(await page.evaluate(protocols)).toEqual(["h2"]);
});

function protocols(): string[] {
  const entries = [
    ...performance.getEntriesByType("navigation"),
    ...performance.getEntriesByType("resource"),
  ] as PerformanceResourceTiming[];
  return [...new Set(entries.map((entry) => entry.nextHopProtocol))];
}

test("the content security policy is enforced: markup from a string is blocked", async ({
  browser,
  stack,
}) => {
  const page = await browser.newPage({ baseURL: stack.url });
  await page.goto("/login");

  const blocked = page.evaluate(() => {
    document.body.innerHTML = "<p>hello</p>";
  });

  await expect(blocked).rejects.toThrow(/TrustedHTML/);
  await page.close();
});

test("no other certificate is accepted", async ({ stack }) => {
  const browser = await stack.browser("another-key");
  const page = await browser.newPage();

  await expect(page.goto(stack.url)).rejects.toThrow(/ERR_CERT_AUTHORITY_INVALID/);
  await browser.close();
});
