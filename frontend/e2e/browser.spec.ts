/** What browsers do to a page: translate it, block its storage, show it in a small window. */
import type { Page } from "@playwright/test";
import { expectAccessible } from "./support/axe";
import { expect, test } from "./support/test";
import {
  backupCodeField,
  button,
  codeField,
  emailCodeField,
  emailField,
  expectSignedIn,
  givePassword,
  heading,
  reachBackupCodes,
  reachEnrollment,
  reachSecondFactor,
  readBackupCodes,
  submitPassword,
  TITLES,
} from "./support/walk";

/** Replaces each text by a translation, like Chrome: two nested <font> elements, for every text that appears. */
function translateAll(): void {
  const translate = (root: Node) => {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found: Text[] = [];
    while (texts.nextNode()) found.push(texts.currentNode as Text);
    for (const text of found) {
      if (!text.data.trim() || text.parentElement?.closest("font, script, style")) continue;
      const outer = document.createElement("font");
      const inner = outer.appendChild(document.createElement("font"));
      inner.textContent = text.data;
      text.replaceWith(outer);
    }
  };
  new MutationObserver((records) => {
    for (const { target, addedNodes } of records)
      for (const node of addedNodes.length ? addedNodes : [target])
        if (node.isConnected) translate(node instanceof Text ? (node.parentNode ?? node) : node);
  }).observe(document, { childList: true, characterData: true, subtree: true });
}

function blockStorage(): void {
  for (const name of ["sessionStorage", "localStorage"])
    Object.defineProperty(window, name, {
      get: () => {
        throw new DOMException("Access is denied for this document.", "SecurityError");
      },
    });
}

/** The field is wider than its boxes, and the rest of it is cut off. */
const MOST = 0.8;

const translations = (page: Page) => page.locator("main font font");

test("a translated page signs people in, and shows the backup codes", async ({
  page,
  site,
  person,
}) => {
  await page.addInitScript(translateAll);
  await reachBackupCodes(page, site, person);
  expect(await translations(page).count()).toBeGreaterThan(5);
  const codes = await readBackupCodes(page);
  expect(codes).toHaveLength(10);
  await button(page, "Copy").click();
  await expect(page.getByText("Keep them somewhere")).toBeVisible();
  await button(page, "Continue").click();
  await expectSignedIn(page);
});

test("texts go on changing while the page is translated", async ({ page, site, enrolled }) => {
  await page.addInitScript(translateAll);
  await reachSecondFactor(page, enrolled);
  const wrong = enrolled.app.wrongCodes(site.now(), 5);
  for (const [index, code] of wrong.entries()) {
    await codeField(page).fill(code);
    if (index === 3) await expect(page.getByText("That code is wrong. 1 try left")).toBeVisible();
    else if (index < 4) await expect(page.getByText(`${4 - index} tries left`)).toBeVisible();
  }
  await expect(heading(page, TITLES.locked)).toBeVisible();
  const shown = await page.getByRole("timer").innerText();
  await expect(page.getByRole("timer")).not.toHaveText(shown);
});

test("a translated page takes a backup code, and signs out", async ({ page, enrolled }) => {
  await page.addInitScript(translateAll);
  await reachSecondFactor(page, enrolled);
  await page.locator("footer a").click();
  await backupCodeField(page).fill("0000-0000-0000-0000");
  await button(page, "Sign in").click();
  await expect(page.getByText("That code is wrong.")).toBeVisible();
  await backupCodeField(page).fill(enrolled.backupCodes[0] ?? "");
  await button(page, "Sign in").click();
  await expect(page.getByText("You used a backup code.")).toBeVisible();
  await button(page, "Sign out").click();
  await expect(page.getByText("You are signed out.")).toBeVisible();
});

test("without storage, people sign in and out all the same", async ({ page, site, person }) => {
  await page.addInitScript(blockStorage);
  const app = await reachBackupCodes(page, site, person);
  await button(page, "Copy").click();
  await button(page, "Continue").click();
  await expectSignedIn(page);
  await page.reload();
  await expectSignedIn(page);
  await button(page, "Sign out").click();

  await site.advance(30);
  await submitPassword(page, person);
  await codeField(page).fill(app.code(site.now()));
  await expectSignedIn(page);
});

test("without cookies, the page says that it needs them", async ({ page }) => {
  await page.addInitScript(() =>
    Object.defineProperty(navigator, "cookieEnabled", { get: () => false }),
  );
  // A browser that blocks cookies blocks storage, too.
  await page.addInitScript(blockStorage);
  await page.goto("/");
  await expect(page.getByText(/blocks cookies, and signing in needs them/)).toBeVisible();
  await expectAccessible(page, TITLES.login);
});

test("if cookies are silently dropped, the page says so instead of blaming the time", async ({
  page,
  context,
  enrolled,
  site,
}) => {
  await reachSecondFactor(page, enrolled);
  await context.clearCookies();
  await codeField(page).fill(enrolled.app.code(site.now()));
  await expect(page.getByText(/allow cookies for this site/)).toBeVisible();
  await expect(emailField(page)).toHaveValue(enrolled.email);
});

test.describe("in a small laptop's window", () => {
  for (const [width, height] of [
    [1280, 720],
    [1366, 650],
    [1366, 768],
  ] as const) {
    test(`the setup fits on one screen of ${width}×${height}`, async ({ page, site, person }) => {
      await page.setViewportSize({ width, height });
      await reachEnrollment(page, site, person);
      await expect(codeField(page)).toBeInViewport({ ratio: MOST });
      await expect(button(page, "Complete setup")).toBeInViewport({ ratio: 1 });
    });
  }
});

test("in a narrow window with a mouse, the QR code is in the step that needs it", async ({
  page,
  site,
  person,
}) => {
  await page.setViewportSize({ width: 700, height: 800 });
  await reachEnrollment(page, site, person);
  const step = page.getByRole("listitem").filter({ hasText: "Scan the QR code" });
  await expect(step.getByRole("img", { name: /QR code/ })).toBeVisible();
  await expect(page.getByRole("img", { name: /QR code/ })).toHaveCount(1);
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 664 }, hasTouch: true, isMobile: true });

  test("the field is in view on return from the app", async ({ page, site, person }) => {
    await givePassword(page, person);
    await emailCodeField(page).fill(await site.lastCode(person.email));
    const link = page.getByRole("link", { name: "Open in authenticator app" });
    await expect(link).toBeVisible();
    // No app opens here, so the return is only announced.
    await link.evaluate((element: HTMLElement) => {
      element.addEventListener("click", (event) => event.preventDefault());
      element.click();
    });
    await page.evaluate(() => {
      window.scrollTo(0, 0);
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await expect(codeField(page)).toBeInViewport({ ratio: MOST });
    await expect(codeField(page)).toBeFocused();
  });
});
