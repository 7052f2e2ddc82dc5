/** What the browser allows and keeps, and proof that the monitor of all journeys detects every violation. */
import type { Page } from "@playwright/test";
import { expectAccessible } from "./support/axe";
import { expect, test } from "./support/test";
import { button, reachBackupCodes, reachEnrollment, readKey, signIn, TITLES } from "./support/walk";
import { type Watch, watch } from "./support/watch";

const VIOLATIONS: Record<string, (page: Page) => Promise<unknown>> = {
  "an inline style": (page) =>
    page
      .evaluate(() => document.body.append(document.createElement("style")))
      .then(() =>
        page.evaluate(() => {
          for (const style of document.querySelectorAll("style"))
            style.textContent = "p { top: 0 }";
        }),
      ),
  "an inline handler": (page) =>
    page.evaluate(() => {
      try {
        document.body.setAttribute("onclick", "void 0");
      } catch {
        // Blocked, as it should be; the test checks that this was reported.
      }
    }),
  "markup from a string": (page) =>
    page.evaluate(() => {
      try {
        document.body.innerHTML = "<p>hello</p>";
      } catch {
        // Blocked, as it should be; the test checks that this was reported.
      }
    }),
  "a call to another origin": (page) =>
    page.evaluate(() => fetch("http://127.0.0.1:9/").catch(() => undefined)),
  "a picture from another origin": (page) =>
    page.evaluate(() => {
      new Image().src = "http://127.0.0.1:9/pixel.png";
    }),
  "a key in local storage": (page) => page.evaluate(() => localStorage.setItem("key", "ABCD")),
  "a password in session storage": (page) =>
    page.evaluate(() => sessionStorage.setItem("focys.email", "hunter-twelve")),
  "a password in the address": (page) =>
    page.evaluate(() => history.replaceState(null, "", "/login?password=hunter-twelve")),
  "a script error": (page) =>
    page.evaluate(() => void setTimeout(() => Promise.reject(new Error("oh")))),
};

for (const [name, violate] of Object.entries(VIOLATIONS)) {
  test(`the monitor reports ${name}`, async ({ browser, site }) => {
    const context = await browser.newContext({ baseURL: site.url });
    const watched: Watch = await watch(context, site.url);
    watched.forbid("hunter-twelve");
    const page = await context.newPage();
    await page.goto("/login");
    await watched.check();

    await violate(page);

    await expect
      .poll(() =>
        watched.check().then(
          () => "not reported",
          () => "reported",
        ),
      )
      .toBe("reported");
    await context.close();
  });
}

test("axe detects violations", async ({ page }) => {
  await page.goto("/login");
  await expectAccessible(page, TITLES.login);
  await page.evaluate(() => document.querySelector("main")?.append(new Image()));
  await expect(expectAccessible(page, TITLES.login)).rejects.toThrow(/image-alt/);
});

test("scripts cannot read the cookies, and no data is cached", async ({
  page,
  site,
  context,
  enrolled,
}) => {
  const uncached: string[] = [];
  page.on("response", (response) => {
    const isData = response.url().includes("/api/");
    if (isData && response.headers()["cache-control"] !== "no-store") uncached.push(response.url());
  });
  await signIn(page, site, enrolled);

  expect(await page.evaluate(() => document.cookie)).toBe("");
  const cookies = await context.cookies();
  expect(cookies.map(({ name }) => name).sort()).toEqual(["focys_browser", "focys_refresh"]);
  for (const cookie of cookies)
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
  expect(uncached).toEqual([]);
});

test("the key disappears from the page with its step", async ({ page, site, person, watched }) => {
  await reachEnrollment(page, site, person);
  watched.forbid(await readKey(page));
  await button(page, "Back to sign-in").click();
  const app = await reachBackupCodes(page, site, person);
  watched.forbid(app.key);
  await expect(page.getByText(app.key)).toBeHidden();
  expect(await page.content()).not.toContain(app.key);
});
