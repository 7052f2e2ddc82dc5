/** What the pages say for each problem code. The server's own sentence stands in for a code not known here. */
import type { ProblemFacts, Reason } from "./api";

/** The part of a problem a sentence may lean on; `wait` is the seconds still to go. */
export type Facts = Pick<ProblemFacts, "code" | "detail" | "triesLeft" | "minutesAgo"> & {
  wait: number;
  /** The code came by email: wrong ones use it up, without a pause. */
  isEmailed?: boolean;
};

/** From here on, the text also says what follows the last try. */
export const FEW_TRIES = 2;

/** Keeps a number and its unit on one line. */
const GAP = "\u00a0";

/** 42 s · 3 min 5 s · 15 min: exact near the end, no longer than needed before it. */
export function inWords(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (minutes === 0) return `${rest}${GAP}s`;
  return rest === 0 ? `${minutes}${GAP}min` : `${minutes}${GAP}min ${rest}${GAP}s`;
}

function minutes(count: number | null): string {
  const whole = Math.max(1, Math.round(count ?? 1));
  return whole === 1 ? "1 minute" : `${whole} minutes`;
}

export function triesLeft(count: number, isEmailed = false): string {
  const left = count === 1 ? "1 try left" : `${count} tries left`;
  if (count > FEW_TRIES) return `${left}.`;
  return isEmailed ? `${left}, then you need a new code.` : `${left}, then a pause.`;
}

function withTries(sentence: string, { triesLeft: count, isEmailed }: Facts): string {
  return count === null ? sentence : `${sentence} ${triesLeft(count, isEmailed)}`;
}

function later(wait: number): string {
  return wait > 0 ? `in ${inWords(wait)}` : "now";
}

/** What goes wrong before the server can say so. */
type OwnCode = "offline" | "unreachable" | "timeout";

export const SENTENCES = {
  invalid_credentials: () => "E-mail or password is wrong.",
  throttled: ({ wait }) => `Too many tries. You can try again ${later(wait)}.`,
  invalid_request: () => "Something in the form is missing or malformed.",
  busy: () => "The server is busy. Please try again in a moment.",
  login_expired: () => "This sign-in took too long and has ended. Please start again.",
  invalid_code: (facts) => withTries("That code is wrong.", facts),
  new_code_needed: () => "That code no longer works. Ask for a new one.",
  code_already_used: ({ wait }) =>
    wait > 0
      ? `That code was already used. Next code in ${inWords(wait)}.`
      : "That code was already used. Your app shows a new one now.",
  code_expired: (facts) =>
    withTries(
      `That code is old. Your phone’s clock looks about ${minutes(facts.minutesAgo)} behind: turn on automatic time, then enter a new code.`,
      facts,
    ),
  account_locked: ({ wait }) => `Too many wrong codes. You can try again ${later(wait)}.`,
  enrolment_expired: () =>
    "This setup key has expired. Scan the new one, and delete the old entry from your app.",
  guarded: () => "One code is not enough here. Enter two codes in a row, or a backup code.",
  factor_disabled: () =>
    "Too many wrong codes: your app’s codes are switched off here. Use a backup code, or ask an administrator for a new password.",
  factor_unreadable: () =>
    "The server cannot read your authenticator’s key. Only an administrator can help; a new code will not.",
  session_ended: () => "Your session has ended. Please sign in again.",
  not_authenticated: () => "You are not signed in.",
  out_of_turn: () => "This sign-in has moved on, perhaps in another tab.",
  forbidden_origin: () =>
    "The server does not accept sign-ins from this address. Open the site at its usual address.",
  unknown_host: () =>
    "The server does not answer to this address. Open the site at its usual address.",
  clock_fault: () =>
    "The server’s clock is wrong, so it can check no codes. Tell your administrator.",
  not_found: () =>
    "The server does not know this request. Its version may differ from this page’s: reload.",
  method_not_allowed: () =>
    "The server does not know this request. Its version may differ from this page’s: reload.",
  payload_too_large: () => "That is longer than the server accepts.",
  request_timeout: () => "The request took too long to arrive. Please try again.",
  unsupported_media_type: () => "The server did not understand the request. Reload the page.",
  internal: () => "Something went wrong on the server. Please try again.",
  unavailable: ({ wait }) =>
    wait > 0
      ? `The server is not available. Try again in ${inWords(wait)}.`
      : "The server is not available. Please try again.",
  offline: () => "Nothing was sent. Try again when you are connected.",
  unreachable: () => "The server did not answer. Check your connection and try again.",
  timeout: () => "The server took too long to answer. Please try again.",
} satisfies Record<Reason | OwnCode, (facts: Facts) => string>;

export function sentenceFor(facts: Facts): string {
  const known = (SENTENCES as Record<string, (facts: Facts) => string>)[facts.code];
  return known?.(facts) ?? (facts.detail || SENTENCES.internal());
}
