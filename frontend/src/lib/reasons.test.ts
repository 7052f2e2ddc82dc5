import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { inWords, SENTENCES, type SentenceContext, sentenceFor } from "./reasons";

const context = (code: string, more: Partial<SentenceContext> = {}): SentenceContext => ({
  code,
  detail: "The server's own words.",
  retryAfter: null,
  triesLeft: null,
  nextPause: null,
  minutesAgo: null,
  wait: 0,
  ...more,
});

const CONTRACT =
  `invalid_credentials throttled invalid_request busy login_expired invalid_code new_code_needed
  code_already_used code_expired account_locked enrolment_expired guarded factor_unreadable session_ended
  not_authenticated out_of_turn forbidden_origin not_found method_not_allowed payload_too_large
  unsupported_media_type internal unavailable`.split(/\s+/);

/** The codes in the OpenAPI description of the server. */
function documented(): string[] {
  const schemas = JSON.parse(readFileSync("openapi.json", "utf8")).components.schemas;
  return (schemas.Reason ?? schemas.Problem?.properties?.code)?.enum ?? [];
}

test.each([...new Set([...CONTRACT, ...documented()])])("%s has a sentence", (code) => {
  expect(SENTENCES).toHaveProperty(code);
  expect(sentenceFor(context(code))).toMatch(/^[A-Z].*\.$/);
});

test("a code from a newer server is explained by the server's own sentence", () => {
  expect(sentenceFor(context("brand_new"))).toBe("The server's own words.");
  expect(sentenceFor(context("brand_new", { detail: "" }))).toBe(SENTENCES.internal());
});

test.each([
  [
    "invalid_code",
    { triesLeft: 1, nextPause: 900 },
    "That code is wrong. 1 try left, then a 15-minute pause.",
  ],
  [
    "invalid_code",
    { triesLeft: 2, step: "totp" },
    "That code is wrong. 2 tries left, then one code is no longer enough.",
  ],
  ["invalid_code", { triesLeft: 3 }, "That code is wrong. 3 tries left."],
  ["invalid_code", { triesLeft: 4 }, "That code is wrong. 4 tries left."],
  [
    "invalid_code",
    { triesLeft: 1, step: "email_code" },
    "That code is wrong. 1 try left, then you need a new code.",
  ],
  [
    "code_already_used",
    { retryAfter: 30, wait: 12 },
    "That code was already used. Your app shows a new one in 12\u00a0s.",
  ],
  ["code_already_used", { triesLeft: 5 }, "That code was already used. Enter another one."],
  ["busy", { wait: 2 }, "The server is busy. You can try again in 2\u00a0s."],
  ["throttled", { wait: 65 }, "Too many tries. You can try again in 1\u00a0min 5\u00a0s."],
] as const)("%s with %o", (code, more, sentence) => {
  expect(sentenceFor(context(code, more))).toBe(sentence);
});

test("the sentence for an old code names the minutes and the solution", () => {
  const sentence = sentenceFor(context("code_expired", { minutesAgo: 2, triesLeft: 4 }));

  expect(sentence).toContain("about 2 minutes behind");
  expect(sentence).toContain("automatic time");
  expect(sentence).toContain("4 tries left");
});

test.each([
  [0, "0\u00a0s"],
  [59, "59\u00a0s"],
  [60, "1\u00a0min"],
  [899, "14\u00a0min 59\u00a0s"],
  [3599, "59\u00a0min 59\u00a0s"],
  [3600, "1\u00a0h"],
  [7325, "2\u00a0h 2\u00a0min"],
  [365 * 86_400, "365\u00a0d"],
])("%i seconds are written as %s", (seconds, words) => {
  expect(inWords(seconds)).toBe(words);
});
