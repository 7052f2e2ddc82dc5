/** The longest possible names: nothing overflows, and the QR code stays sharp. */
import type { Locator } from "@playwright/test";
import { Authenticator } from "./support/authenticator";
import { expectNoOverflow } from "./support/layout";
import { LONG_NAMED } from "./support/people";
import { scanScreen } from "./support/qr";
import { expect, test } from "./support/test";
import {
  button,
  codeField,
  emailCodeField,
  expectSignedIn,
  givePassword,
  heading,
  setupKey,
  submitPassword,
  TITLES,
} from "./support/walk";

test.use({
  settings: {
    app_name: "W".repeat(30),
    app_url: "https://app.example.com/",
    support_contact: `${"h".repeat(64)}@${"e".repeat(60)}.example`,
  },
});

test("an address of 254 characters and a name of 30 fit everywhere", async ({ page, site }) => {
  expect(LONG_NAMED.email).toHaveLength(254);
  await givePassword(page, LONG_NAMED);
  await expect(heading(page, TITLES.emailCode)).toBeVisible();
  await expectNoOverflow(page);
  await emailCodeField(page).fill(await site.lastCode(LONG_NAMED.email));

  await expect(setupKey(page)).toBeVisible();
  await expectNoOverflow(page);
  expect((await heading(page, TITLES.enroll).boundingBox())?.height).toBeLessThan(40);
  await page.setViewportSize({ width: 360, height: 740 });
  const app = Authenticator.scan(await scanScreen(page));
  expect(await scaleOf(page.getByRole("img", { name: /QR code/ }))).toBe(1);
  await codeField(page).fill(app.code(site.now()));

  await expect(heading(page, TITLES.codes)).toBeVisible();
  await expectNoOverflow(page);
  await button(page, "Copy").click();
  await button(page, "Continue").click();
  await expectSignedIn(page);
  await expectNoOverflow(page);
  await button(page, "Sign out").click();
  await expect(heading(page, TITLES.login)).toBeVisible();
  await expectNoOverflow(page);

  await submitPassword(page, LONG_NAMED);
  await expect(heading(page, TITLES.totp)).toBeVisible();
  await expectNoOverflow(page);
  await page.getByRole("link", { name: "Use a backup code" }).click();
  await expect(heading(page, TITLES.backup)).toBeVisible();
  await expectNoOverflow(page);

  await page.getByRole("link", { name: "Use your app instead" }).click();
  for (const code of app.wrongCodes(site.now(), 5)) {
    await codeField(page).fill(code);
    await expect(codeField(page).and(page.locator("[readonly]"))).toHaveCount(0);
  }
  await expect(heading(page, TITLES.locked)).toBeVisible();
  await expectNoOverflow(page);
  await button(page, "Enter two codes in a row").click();
  await expect(heading(page, TITLES.guarded)).toBeVisible();
  await expectNoOverflow(page);
});

test("an ordinary address stays on one line beside the title of the enrollment page", async ({
  page,
  site,
  person,
}) => {
  await givePassword(page, person);
  await emailCodeField(page).fill(await site.lastCode(person.email));
  await expect(setupKey(page)).toBeVisible();

  const [title, address] = [heading(page, TITLES.enroll), page.getByText(/^\w…\w+@student\.com$/)];
  expect((await title.boundingBox())?.height).toBeLessThan(40);
  expect((await address.boundingBox())?.height).toBeLessThan(30);
});

/** The number of screen pixels per image pixel. */
async function scaleOf(picture: Locator): Promise<number> {
  return picture.evaluate((image: HTMLImageElement) => image.width / image.naturalWidth);
}
