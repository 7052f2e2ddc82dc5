/** The fields as people and their tools fill them: typing, pasting, autofill, password managers. */
import type { Locator, Page, Request } from "@playwright/test";
import { Authenticator } from "./support/authenticator";
import { expect, test } from "./support/test";
import {
  button,
  codeField,
  emailCodeField,
  emailField,
  expectSignedIn,
  heading,
  passwordField,
  reachSecondFactor,
  readKey,
  setupKey,
  TITLES,
} from "./support/walk";

const modifier = process.platform === "darwin" ? "Meta" : "Control";

async function paste(field: Locator, text: string): Promise<void> {
  await field.page().evaluate((words) => navigator.clipboard.writeText(words), text);
  await field.focus();
  await field.press(`${modifier}+v`);
}

/** The requests with a code that this page has sent so far. */
function submissions(page: Page): Request[] {
  const sent: Request[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/auth/totp/verify")) sent.push(request);
  });
  return sent;
}

test("a pasted code with a space in it is accepted", async ({ page, site, enrolled }) => {
  const sent = submissions(page);
  await reachSecondFactor(page, enrolled);
  const code = enrolled.app.code(site.now());
  await paste(codeField(page), ` ${code.slice(0, 3)} ${code.slice(3)}\n`);
  await expectSignedIn(page);
  expect(sent).toHaveLength(1);
});

test("a code filled in by a program all at once is accepted", async ({ page, site, enrolled }) => {
  const sent = submissions(page);
  await reachSecondFactor(page, enrolled);
  await codeField(page).evaluate((field: HTMLInputElement, code) => {
    const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value") ?? {};
    set?.call(field, code);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }, enrolled.app.code(site.now()));
  await expectSignedIn(page);
  expect(sent).toHaveLength(1);
});

test("full-width digits from an Asian keyboard are accepted", async ({ page, site, enrolled }) => {
  await reachSecondFactor(page, enrolled);
  const wide = [...enrolled.app.code(site.now())].map((digit) =>
    String.fromCodePoint(0xff10 + Number(digit)),
  );
  await paste(codeField(page), wide.join(""));
  await expectSignedIn(page);
});

test("a code is submitted once, no matter how often the button is pressed", async ({
  page,
  site,
  enrolled,
}) => {
  const sent = submissions(page);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route("**/auth/totp/verify", async (route) => {
    await held;
    await route.continue();
  });
  await reachSecondFactor(page, enrolled);
  await codeField(page).pressSequentially(enrolled.app.code(site.now()));
  await codeField(page).press("Enter");
  await codeField(page).press("Enter");
  await page.locator("button[type=submit]").dblclick({ force: true });
  release();

  await expectSignedIn(page);
  expect(sent).toHaveLength(1);
});

test("correcting a rejected code submits nothing until the button is pressed", async ({
  page,
  site,
  enrolled,
}) => {
  const sent = submissions(page);
  await reachSecondFactor(page, enrolled);
  const field = codeField(page);
  const [wrong = ""] = enrolled.app.wrongCodes(site.now(), 1);
  await field.pressSequentially(wrong);
  await expect(page.getByText("That code is wrong. 4 tries left.")).toBeVisible();
  await field.press("End");
  await field.press("Backspace");
  await field.press(String((Number(wrong[5]) + 1) % 10));
  await expect(field).toHaveValue(/^\d{6}$/);
  expect(sent).toHaveLength(1);

  await field.fill("12");
  await button(page, "Sign in").click();
  await expect(page.getByText("Enter all six digits.")).toBeVisible();
  expect(sent).toHaveLength(1);
  await field.press(`${modifier}+a`);
  await field.pressSequentially(enrolled.app.code(site.now()));
  await expectSignedIn(page);
});

test("the password is masked, can be pasted and shown, and password managers recognize it", async ({
  page,
  person,
}) => {
  await page.goto("/login");
  const field = passwordField(page);
  await expect(field).toHaveAttribute("type", "password");
  await expect(field).toHaveAttribute("autocomplete", "current-password");
  await expect(emailField(page)).toHaveAttribute("autocomplete", "username");

  await paste(field, person.password);
  await expect(field).toHaveValue(person.password);
  await button(page, "Show password").click();
  await expect(field).toHaveAttribute("type", "text");
  await button(page, "Hide password").click();
  await expect(field).toHaveAttribute("type", "password");
  await expect(field).toHaveValue(person.password);

  await emailField(page).fill(person.email);
  await field.press("Enter");
  await expect(emailCodeField(page)).toHaveAttribute("autocomplete", "one-time-code");
  await expect(emailCodeField(page)).toHaveAttribute("inputmode", "numeric");
});

test("what is missing is shown at its field", async ({ page, person }) => {
  await page.goto("/login");
  await button(page, "Sign in").click();
  await expect(page.getByText("Enter your email address")).toBeVisible();
  await expect(emailField(page)).toBeFocused();
  await emailField(page).fill(person.email);
  await expect(page.getByText("Enter your email address")).toBeHidden();
  await emailField(page).press("Enter");
  await expect(passwordField(page)).toBeFocused();
  await button(page, "Sign in").click();
  await expect(page.getByText("Enter your password.")).toBeVisible();
  await expect(passwordField(page)).toBeFocused();
  await passwordField(page).fill("wrong");
  await button(page, "Sign in").click();
  await expect(page.getByText("Email or password is wrong.")).toBeVisible();
  await expect(passwordField(page)).toBeFocused();
});

test("the whole first sign-in works with only a keyboard", async ({ page, site, person }) => {
  const { keyboard } = page;
  await page.goto("/login");
  await expect(emailField(page)).toBeFocused();
  await keyboard.type(person.email);
  await keyboard.press("Tab");
  await expect(passwordField(page)).toBeFocused();
  await keyboard.type(person.password);
  await keyboard.press("Enter");

  await expect(emailCodeField(page)).toBeFocused();
  await keyboard.type(await site.lastCode(person.email));

  await expect(heading(page, TITLES.enroll)).toBeFocused();
  await expect(setupKey(page)).toBeVisible();
  await tabTo(button(page, "Start over with a new key"));
  await keyboard.press("Enter");
  await tabTo(button(page, "Keep this one"));
  await keyboard.press("Enter");
  await expect(button(page, "Start over with a new key")).toBeFocused();
  for (let back = 0; back < 4; back++) await keyboard.press("Shift+Tab");
  await expect(button(page, "Copy key")).toBeFocused();
  await keyboard.press("Enter");
  const app = Authenticator.type(await readKey(page));
  await tabTo(codeField(page));
  await keyboard.type(app.code(site.now()));

  await expect(heading(page, TITLES.codes)).toBeFocused();
  await tabTo(button(page, "Copy"));
  await keyboard.press("Space");
  await tabTo(button(page, "Continue"));
  await keyboard.press("Enter");

  await expectSignedIn(page);
  await tabTo(button(page, "Sign out"));
  await keyboard.press("Enter");
  await expect(page.getByText("You are signed out.")).toBeVisible();
  await expect(emailField(page)).toBeFocused();
  await expect(emailField(page)).toHaveValue("");
});

/** Presses Tab until *target* has the focus; on the way, the focus must always be visible. */
async function tabTo(target: Locator): Promise<void> {
  const page = target.page();
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press("Tab");
    expect(await page.evaluate(isFocusVisible), "an invisible focus").toBe(true);
    if (await target.evaluate((node) => node === document.activeElement)) return;
  }
  throw new Error(`Tab does not reach ${target}`);
}

function isFocusVisible(): boolean {
  const stop = document.activeElement;
  if (!stop || stop === document.body) return true;
  const drawn = (node: Element) => getComputedStyle(node).outlineStyle !== "none";
  // The outlines of a code field are on its boxes.
  return (
    drawn(stop) ||
    [...(stop.closest("div")?.parentElement?.querySelectorAll("span") ?? [])].some(drawn)
  );
}
