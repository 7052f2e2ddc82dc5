import { expect, test } from "vitest";
import { forgetReturn, rememberReturn, returnPath, safePath } from "./returnPath";

const ORIGIN = "https://login.example.com";

test.each([
  ["/", "/"],
  ["/?tab=keys#session-3", "/?tab=keys#session-3"],
  ["https://login.example.com/reports#july", "/reports#july"],
  ["/a/../b", "/b"],
])("%j leads back to %j", (raw, path) => {
  expect(safePath(raw, ORIGIN)).toBe(path);
});

test.each([
  "https://evil.example/",
  "//evil.example/",
  "/\\evil.example",
  "\\\\evil.example",
  "https://login.example.com.evil.example/",
  "https://login.example.com@evil.example/",
  "https://user:pw@login.example.com/",
  "https://login.example.com//evil.example",
  "/x/..//evil.example",
  "javascript:alert(1)",
  "data:text/html,x",
  "http://login.example.com/",
  "\t//evil.example",
  "/totp-verify",
  "/login?next=x",
])("%j is rejected", (raw) => {
  expect(safePath(raw, ORIGIN)).toBeNull();
});

test("the path is kept with its fragment until it is forgotten", () => {
  rememberReturn("/?tab=keys#session-3");
  expect(returnPath()).toBe("/?tab=keys#session-3");

  forgetReturn();
  expect(returnPath()).toBe("/");
});
