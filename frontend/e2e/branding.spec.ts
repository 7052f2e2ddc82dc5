/** The operator's name, logo, accent color, application and support contact, on the pages that show them. */
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { inspect } from "./support/inspect";
import { expect, test } from "./support/test";
import {
  button,
  codeField,
  expectSignedIn,
  heading,
  reachEnrollment,
  reachSecondFactor,
  signIn,
  TITLES,
} from "./support/walk";

const LOGO = fileURLToPath(new URL("support/logo.svg", import.meta.url));
const SUPPORT = "help@example.com";
const APP_URL = "https://app.example.com/home";
/** Far too bright for light pages. */
const YELLOW = "#ffdd00";

const logo = (page: Page) => page.getByRole("img", { name: "Acme" });
const contact = (page: Page) => page.getByRole("link", { name: SUPPORT });

test.describe("with everything set", () => {
  test.use({
    settings: {
      app_name: "Acme",
      logo: LOGO,
      accent_color: YELLOW,
      app_url: APP_URL,
      support_contact: SUPPORT,
    },
  });

  test("the pages show it, readable in light and dark", async ({ page, site, person }) => {
    await page.goto("/login");
    await expect(logo(page)).toBeVisible();
    await expect
      .poll(() => logo(page).evaluate((image: HTMLImageElement) => image.naturalWidth))
      .toBeGreaterThan(0);
    await expect(contact(page)).toHaveAttribute("href", `mailto:${SUPPORT}`);
    await inspect(page, "Sign in to Acme");
    await reachEnrollment(page, site, person);
    await inspect(page, TITLES.enroll);
  });

  test("the color is the operator's where it can be read", async ({ page }) => {
    await page.goto("/login");
    const submit = button(page, "Sign in");
    const color = () => submit.evaluate((element) => getComputedStyle(element).backgroundColor);
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(color).toBe("rgb(255, 221, 0)");
    await page.emulateMedia({ colorScheme: "light" });
    await expect.poll(color).toMatch(/^rgb\(1[0-3]\d, 1[01]\d, 0\)$/);
  });

  test("after the sign-in, one link leads to the application", async ({ page, site, enrolled }) => {
    await signIn(page, site, enrolled);
    await expect(page.getByRole("link", { name: "Continue to Acme" })).toHaveAttribute(
      "href",
      APP_URL,
    );
    await inspect(page, /./);
  });

  test("a locked page says whom to contact", async ({ page, caller, enrolled }) => {
    await caller.password(enrolled);
    await caller.guess(enrolled, 5);
    await page.goto("/totp-verify");
    await expect(heading(page, TITLES.locked)).toBeVisible();
    await expect(page.getByText(`someone knows your password. Contact ${SUPPORT}.`)).toBeVisible();
    await inspect(page, TITLES.locked);
  });

  test("a logo that does not load is replaced by the usual mark", async ({ page }) => {
    await page.route("**/auth/logo?*", (route) => route.abort());
    await page.goto("/login");
    await expect(contact(page)).toBeVisible();
    await expect(logo(page)).toBeHidden();
    await expect(page.locator("header svg")).toBeVisible();
  });
});

test("without settings, nobody is told to contact anyone", async ({
  page,
  site,
  caller,
  enrolled,
}) => {
  await caller.password(enrolled);
  await caller.guess(enrolled, 5);
  await page.goto("/totp-verify");
  await expect(heading(page, TITLES.locked)).toBeVisible();
  await expect(page.getByText(/contact|administrator/i)).toBeHidden();

  await site.advance(15 * 60);
  await reachSecondFactor(page, enrolled);
  await codeField(page).fill(enrolled.app.code(site.now()));
  await expectSignedIn(page);
  await expect(page.getByRole("link", { name: /^Continue/ })).toBeHidden();
});
