/** The pictures of the README. The keys and codes in them belong to a database that is deleted right afterward. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { Authenticator } from "./support/authenticator";
import { ALICE } from "./support/people";
import { expect, test } from "./support/test";
import {
  button,
  codeField,
  emailCodeField,
  emailField,
  expectSignedIn,
  givePassword,
  heading,
  passwordField,
  readKey,
  setupKey,
  submitPassword,
  TITLES,
} from "./support/walk";

const FOLDER = fileURLToPath(new URL("../../docs/pictures/", import.meta.url));
const PYTHON = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
const MARGIN = 28;
// A page has few colors: with a palette, a picture is a third of the size.
const SHRINK = `
import sys
from PIL import Image
picture = Image.open(sys.argv[1]).convert("RGB")
picture.quantize(256, dither=Image.Dither.NONE).save(sys.argv[1], optimize=True)
`;

test.use({ ownSite: true });

test("the pages of a first and a second sign-in", async ({ page, site }) => {
  await page.goto("/login");
  await expect(heading(page, TITLES.login)).toBeVisible();
  await emailField(page).fill(ALICE.email);
  await passwordField(page).fill(ALICE.password);
  await takeBoth(page, "sign-in");

  await givePassword(page, ALICE);
  await expect(heading(page, TITLES.emailCode)).toBeVisible();
  const mailed = await site.lastCode(ALICE.email);
  await emailCodeField(page).pressSequentially(mailed.slice(0, 4));
  await take(page, "email-code");
  await emailCodeField(page).fill(mailed);

  await expect(setupKey(page)).toBeVisible();
  await expect(page.getByRole("img", { name: /QR code/ })).toBeVisible();
  await takeBoth(page, "enrollment");
  const app = Authenticator.type(await readKey(page));
  await codeField(page).fill(app.code(site.now()));

  await expect(heading(page, TITLES.codes)).toBeVisible();
  await button(page, "Copy").click();
  await expect(page.getByText("Keep them somewhere you can find")).toBeVisible();
  await take(page, "backup-codes");
  await button(page, "Continue").click();
  await expectSignedIn(page);
  await expect(page.getByText("with password and authenticator code")).toBeVisible();
  await take(page, "account");

  await button(page, "Sign out").click();
  await site.advance(30);
  await submitPassword(page, ALICE);
  await expect(heading(page, TITLES.totp)).toBeVisible();
  await codeField(page).pressSequentially(app.code(site.now()).slice(0, 3));
  await takeBoth(page, "second-factor");

  for (const code of app.wrongCodes(site.now(), 5)) {
    await codeField(page).fill(code);
    await expect(codeField(page).and(page.locator("[readonly]"))).toHaveCount(0);
  }
  await expect(heading(page, TITLES.locked)).toBeVisible();
  await take(page, "locked");
});

async function takeBoth(page: Page, name: string): Promise<void> {
  await take(page, name);
  await page.emulateMedia({ colorScheme: "dark" });
  await take(page, `${name}-dark`);
  await page.emulateMedia({ colorScheme: "light" });
}

/** The card with a little background around it. */
async function take(page: Page, name: string): Promise<void> {
  const card = await page.locator("main > div").boundingBox();
  if (!card) throw new Error("there is no card");
  const clip = {
    x: card.x - MARGIN,
    y: card.y - MARGIN,
    width: card.width + 2 * MARGIN,
    height: card.height + 2 * MARGIN,
  };
  const path = `${FOLDER}${name}.png`;
  await page.mouse.move(0, 0);
  await page.screenshot({ path, clip, animations: "disabled", caret: "hide" });
  execFileSync(PYTHON, ["-c", SHRINK, path]);
}
