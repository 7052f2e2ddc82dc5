import { TOTP } from "otpauth";
import { expect, test } from "vitest";
import { codeAt, entryIn, linkFor, spaced } from "./entries";

// RFC 6238, appendix B, cut to six digits.
const SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const LINK = `otpauth://totp/FOCYS:alice%40student.com?secret=${SECRET}&issuer=FOCYS&algorithm=SHA1&digits=6&period=30`;

test.each([
  [59, "287082", 1],
  [60, "359152", 30],
  [1111111109, "081804", 1],
  [1234567890, "005924", 30],
])("at %i s the code is %s, for %i more seconds", (seconds, code, secondsLeft) => {
  const entry = entryIn(LINK);

  expect(entry && codeAt(entry, seconds * 1000)).toEqual({ code, secondsLeft });
});

test("a link keeps its issuer and account", () => {
  const entry = entryIn(linkFor(` ${LINK}\n`) ?? "");

  expect([entry?.issuer, entry?.label]).toEqual(["FOCYS", "alice@student.com"]);
});

test.each([SECRET, "gezd gnbv gy3t qojq gezd gnbv gy3t qojq"])("%s is a key", (key) => {
  const entry = entryIn(linkFor(key, " My key ") ?? "");

  expect(entry).toBeInstanceOf(TOTP);
  expect([entry?.secret.base32, entry?.label]).toEqual([SECRET, "My key"]);
});

test.each([
  "",
  "GEZDGNBV",
  "GEZDGNBVGY3TQOJ1GEZDGNBVGY3TQOJQ",
  "https://example.com",
  "otpauth://hotp/a?secret=GEZDGNBVGY3TQOJQ&counter=1",
  "otpauth://totp/",
])("%j is neither a link nor a key", (text) => {
  expect(linkFor(text)).toBeNull();
});

test("a code is shown in two halves", () => {
  expect([spaced("012345"), spaced("01234567")]).toEqual(["012 345", "0123 4567"]);
});
