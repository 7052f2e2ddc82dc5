/** The code sent by email: sent again, mistyped, used up. */
import { expect, test } from "./support/test";
import { button, emailCodeField, givePassword, heading, TITLES } from "./support/walk";

test("the code can be sent again after a minute", async ({ page, site, person }) => {
  await page.clock.install();
  await givePassword(page, person);
  const code = await site.lastCode(person.email);
  const again = page.getByRole("button", { name: "Send again" });
  await expect(again).toHaveText(/ in (1:00|0:5\d)$/);
  await expect(again).toHaveAttribute("aria-disabled", "true");

  await site.advance(60);
  await page.clock.fastForward("01:00");
  await again.click();

  await expect(page.getByText("Sent. It can take a minute to arrive.")).toBeVisible();
  expect(await site.lastCode(person.email)).toBe(code);
  await emailCodeField(page).fill(code);
  await expect(heading(page, TITLES.enroll)).toBeVisible();
});

test("after five wrong codes it no longer works, and a new one is sent", async ({
  page,
  site,
  person,
}) => {
  await page.clock.install();
  await givePassword(page, person);
  const first = await site.lastCode(person.email);
  for (const last of [1, 2, 3, 4, 5]) {
    await emailCodeField(page).fill(otherThan(first, last));
    if (last < 5) await expect(page.getByText("That code is wrong.")).toBeVisible();
  }
  await expect(page.getByText("That code no longer works. Ask for a new one.")).toBeVisible();
  await expect(emailCodeField(page)).toBeHidden();

  await site.advance(60);
  await page.clock.fastForward("01:00");
  await button(page, "Send a new code").click();
  const second = await site.lastCode(person.email);
  expect(second).not.toBe(first);
  await emailCodeField(page).fill(second);
  await expect(heading(page, TITLES.enroll)).toBeVisible();
});

test("after many wrong codes the next one is longer", async ({ page, site, person, caller }) => {
  for (const _ of [1, 2]) {
    await caller.password(person);
    const code = await site.lastCode(person.email);
    for (const last of [1, 2, 3, 4, 5]) {
      await caller.post("/auth/email-code/verify", { code: otherThan(code, last) });
    }
  }

  await caller.leave();
  await givePassword(page, person);
  const code = await site.lastCode(person.email);
  expect(code).toMatch(/^([0-9A-Z]{4}-){3}[0-9A-Z]{4}$/);
  const field = emailCodeField(page);
  await field.pressSequentially(code.replaceAll("-", "").toLowerCase());
  await expect(field).toHaveValue(code);
  await field.press("Enter");
  await expect(heading(page, TITLES.enroll)).toBeVisible();
});

/** A six-digit code that differs from the correct one in its last digit. */
function otherThan(code: string, by: number): string {
  return code.slice(0, 5) + ((Number(code[5]) + by) % 10);
}
