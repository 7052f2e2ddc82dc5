/** The demo: the guide's Test Flows with the demo phone instead of a real one, and the phone by itself. */
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { inspect } from "./support/inspect";
import { ALICE, BOB, CAROL, type Person } from "./support/people";
import type { Site } from "./support/site";
import { expect, test } from "./support/test";
import {
  button,
  codeField,
  expectSignedIn,
  givePassword,
  heading,
  reachEnrollment,
  readKey,
  submitPassword,
  TITLES,
} from "./support/walk";

// The phone follows the browser's clock, so the site must not be ahead of it.
test.use({ demo: true, ownSite: true });

test.beforeEach(({ watched }) => {
  watched.allowPaths("/demo/phone");
  watched.allowKept("focys.demo.phone");
});

const codes = (phone: Page) => phone.getByRole("button", { name: /^Copy \d{3} \d{3}$/ });

/** The code on the phone, with enough time left to enter it. */
async function codeOn(phone: Page): Promise<string> {
  await expect
    .poll(async () => Number.parseInt(await phone.getByRole("timer").innerText(), 10))
    .toBeGreaterThan(3);
  return (await codes(phone).innerText()).replace(/\D/g, "");
}

async function openPhone(page: Page): Promise<Page> {
  const opened = page.waitForEvent("popup");
  await page.getByRole("link", { name: "Open the demo phone" }).click();
  return opened;
}

/** Enrolls with the phone, and goes through to the account's page. */
async function enroll(page: Page, site: Site, person: Person): Promise<Page> {
  await reachEnrollment(page, site, person);
  const opened = page.waitForEvent("popup");
  await page.getByRole("link", { name: "Add to the demo phone" }).click();
  const phone = await opened;
  await complete(page, phone);
  return phone;
}

async function complete(page: Page, phone: Page): Promise<void> {
  await codeField(page).fill(await codeOn(phone));
  await button(page, "Copy").click();
  await button(page, "Continue").click();
  await expectSignedIn(page);
}

/** Time passes for the server and for the phone. */
async function wait(site: Site, phone: Page, press: "+30 s" | "+2 min", times: number) {
  for (let count = 0; count < times; count++) await button(phone, press).click();
  await site.advance(times * (press === "+30 s" ? 30 : 120));
}

test("Flow 1: the first sign-in enrolls the demo phone, the second one skips the email code", async ({
  page,
  site,
}) => {
  const phone = await enroll(page, site, ALICE);
  await expect(phone.getByText("alice@student.com")).toBeVisible();
  await expect(page.getByRole("heading", { name: "What to try next" })).toBeVisible();

  await button(page, "Sign out").click();
  await wait(site, phone, "+30 s", 1);
  await submitPassword(page, ALICE);
  await expect(page).toHaveURL("/totp-verify");
  await codeField(page).fill(await codeOn(phone));
  await expectSignedIn(page);
});

test("Flow 2: a phone with a wrong clock locks the account, and fifteen minutes unlock it", async ({
  page,
  site,
}) => {
  const phone = await enroll(page, site, BOB);
  await button(page, "Sign out").click();
  await submitPassword(page, BOB);
  await expect(heading(page, TITLES.totp)).toBeVisible();

  for (let tries = 0; tries < 5; tries++) {
    await button(phone, "+2 min").click();
    await expect(codeField(page)).toBeEditable();
    await codeField(page).fill(await codeOn(phone));
    await expect(page.getByText(/That code is wrong\.|Unlocks at/)).toBeVisible();
  }
  await expect(heading(page, TITLES.locked)).toBeVisible();

  await button(phone, "Set the clock right").click();
  await wait(site, phone, "+2 min", 8);
  await givePassword(page, BOB);
  await codeField(page).fill(await codeOn(phone));
  await expectSignedIn(page);
});

test("Flow 3: after a reset of the phone, the key alone gives working codes", async ({
  page,
  site,
}) => {
  await reachEnrollment(page, site, CAROL);
  const key = await readKey(page);
  const phone = await openPhone(page);
  await addByText(phone, key);
  await complete(page, phone);
  await button(page, "Sign out").click();

  await button(phone, "Reset the phone").click();
  await button(phone, "Yes, reset the phone").click();
  await expect(codes(phone)).toHaveCount(0);
  await addByText(phone, key);
  await wait(site, phone, "+30 s", 1);
  await submitPassword(page, CAROL);
  await codeField(page).fill(await codeOn(phone));
  await expectSignedIn(page);
});

async function addByText(phone: Page, text: string): Promise<void> {
  await phone.getByLabel("Setup link or key").fill(text);
  await button(phone, "Add account").click();
  await expect(codes(phone)).toHaveCount(1);
}

test("a picture of the QR code can be chosen, dropped or pasted, but only once", async ({
  page,
  site,
}) => {
  await reachEnrollment(page, site, ALICE);
  const picture = page.getByRole("img", { name: /QR code/ });
  const saved = Buffer.from((await picture.getAttribute("src"))?.split(",")[1] ?? "", "base64");
  const pictures = { "as it was downloaded": saved, "from the screen": await page.screenshot() };
  const phone = await openPhone(page);
  const chooser = phone.getByLabel("Picture of a QR code");

  for (const buffer of Object.values(pictures)) {
    await chooser.setInputFiles({ name: "qr.png", mimeType: "image/png", buffer });
    await expect(codes(phone)).toHaveCount(1);
    await chooser.setInputFiles({ name: "qr.png", mimeType: "image/png", buffer });
    await expect(phone.getByText("This account is already on the phone.")).toBeVisible();
    await button(phone, "Remove").click();
    await button(phone, "Yes, remove").click();
    await expect(codes(phone)).toHaveCount(0);
  }
  for (const kind of ["paste", "drop"] as const) {
    await handOver(phone, kind, saved);
    await expect(codes(phone)).toHaveCount(1);
    await button(phone, "Remove").click();
    await button(phone, "Yes, remove").click();
  }
});

/** Pastes or drops a picture. */
async function handOver(phone: Page, kind: "paste" | "drop", picture: Buffer): Promise<void> {
  await phone.evaluate(
    ({ kind, bytes }) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], "qr.png", { type: "image/png" }));
      const event =
        kind === "paste"
          ? new ClipboardEvent(kind, { clipboardData: data, bubbles: true })
          : new DragEvent(kind, { dataTransfer: data, bubbles: true });
      document.body.dispatchEvent(event);
    },
    { kind, bytes: [...picture] },
  );
}

test("the phone says what it cannot add", async ({ page }) => {
  await page.goto("/demo/phone");
  const text = page.getByLabel("Setup link or key");
  await text.fill("not a key");
  await button(page, "Add account").click();
  await expect(page.getByText(/neither a setup link nor a key/)).toBeVisible();

  const chooser = page.getByLabel("Picture of a QR code");
  const buffer = await page.screenshot();
  await chooser.setInputFiles({ name: "page.png", mimeType: "image/png", buffer });
  await expect(page.getByText("There is no QR code in that picture.")).toBeVisible();
  const link = `otpauth://totp/Elsewhere:me?secret=${"A".repeat(32)}&issuer=Elsewhere`;
  await text.fill(link);
  await button(page, "Add account").click();
  await expect(codes(page)).toHaveCount(1);
});

test("several accounts, a code copied with a click, and a phone that survives a reload", async ({
  page,
}) => {
  await page.goto("/demo/phone");
  for (const name of ["First", "Second"]) {
    await page.getByLabel("Setup link or key").fill(name[0]?.repeat(32) ?? "");
    await page.getByLabel("Name for this key").fill(name);
    await button(page, "Add account").click();
    await expect(page.getByText(name, { exact: true })).toBeVisible();
  }
  const first = codes(page).first();
  const code = (await first.innerText()).replace(/\D/g, "");
  await first.click();
  await expect(page.getByText("Copied")).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(code);

  await button(page, "−30 s").click();
  await expect(page.getByText("30 s behind")).toBeVisible();
  await page.reload();
  await expect(codes(page)).toHaveCount(2);
  await expect(page.getByText("30 s behind")).toBeVisible();
});

test("a code from a phone that is behind is refused with that reason", async ({ page, site }) => {
  const phone = await enroll(page, site, ALICE);
  await button(page, "Sign out").click();
  await wait(site, phone, "+2 min", 2);
  await button(phone, "−2 min").click();
  await submitPassword(page, ALICE);
  await codeField(page).fill(await codeOn(phone));

  await expect(page.getByText(/clock/)).toBeVisible();
});

test("the phone is accessible and fits every width, with and without accounts", async ({
  page,
}) => {
  await page.goto("/demo/phone");
  await inspect(page, "Demo phone");
  await addByText(page, "A".repeat(32));
  await button(page, "Remove").click();
  await inspect(page, "Demo phone");
});

test("every page shows that it is a demo, and its account page fits every width", async ({
  page,
  site,
}) => {
  await page.goto("/login");
  await expect(page.getByRole("complementary", { name: "Demo" })).toBeVisible();
  await inspect(page, TITLES.login);
  await enroll(page, site, CAROL);
  await inspect(page, "Carol Lindqvist");
});

test("the pages that production serves know nothing of the phone", async () => {
  const manifest = await readFile(new URL("../dist/.vite/manifest.json", import.meta.url), "utf8");

  expect(manifest).not.toMatch(/demo/i);
});
