/** The sentence for each problem code. For a code unknown here, the pages show the server's own sentence. */
import type { ProblemDetails, Reason, Step } from "./api";

/** What a sentence may depend on. */
export type SentenceContext = Pick<
  ProblemDetails,
  "code" | "detail" | "retryAfter" | "triesLeft" | "nextPause" | "minutesAgo"
> & {
  /** The seconds left to wait. */
  wait: number;
  /** The step of the login; it decides what follows the last try. */
  step?: Step | undefined;
};

/** From this number on, the text also says what follows the last try. */
export const FEW_TRIES = 2;

/** A no-break space between a number and its unit. */
const NBSP = "\u00a0";

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
] as const;

/** The two largest units: 42 s · 3 min 5 s · 15 min · 1 h 2 min · 365 d. */
export function inWords(seconds: number): string {
  const largest = UNITS.findIndex(([, length]) => seconds >= length);
  if (largest < 0) return `0${NBSP}s`;
  let rest = seconds;
  const parts = UNITS.slice(largest, largest + 2).map(([unit, length]) => {
    const count = Math.floor(rest / length);
    rest %= length;
    return count > 0 && `${count}${NBSP}${unit}`;
  });
  return parts.filter(Boolean).join(" ");
}

function minutes(count: number | null): string {
  const whole = Math.max(1, Math.round(count ?? 1));
  return whole === 1 ? "1 minute" : `${whole} minutes`;
}

export function triesLeft(count: number, nextPause: number | null, step?: Step): string {
  const left = count === 1 ? "1 try left" : `${count} tries left`;
  if (count > FEW_TRIES) return `${left}.`;
  return `${left}, then ${afterLastTry(nextPause, step)}.`;
}

function afterLastTry(nextPause: number | null, step?: Step): string {
  if (nextPause !== null) return `a ${Math.round(nextPause / 60)}-minute pause`;
  if (step === "email_code") return "you need a new code";
  return step === "totp" ? "one code is no longer enough" : "a pause";
}

function withTries(
  sentence: string,
  { triesLeft: count, nextPause, step }: SentenceContext,
): string {
  return count === null ? sentence : `${sentence} ${triesLeft(count, nextPause, step)}`;
}

function later(wait: number): string {
  return wait > 0 ? `in ${inWords(wait)}` : "now";
}

/** The codes for problems without a response from the server. */
type OwnCode = "offline" | "unreachable" | "timeout";

export const SENTENCES = {
  invalid_credentials: () => "Email or password is wrong.",
  throttled: ({ wait }) => `Too many tries. You can try again ${later(wait)}.`,
  invalid_request: () => "Something in the form is missing or invalid.",
  busy: ({ wait }) => `The server is busy. You can try again ${later(wait)}.`,
  login_expired: () => "This sign-in took too long and has expired. Please start again.",
  invalid_code: (context) => withTries("That code is wrong.", context),
  new_code_needed: () => "That code no longer works. Ask for a new one.",
  ticket_needed: () => "Enter the ticket that your administrator gave you.",
  invalid_ticket: (context) =>
    withTries(
      "That ticket is wrong or has expired. Ask your administrator for a new one.",
      context,
    ),
  // Only a code from the app comes with a wait: a backup code has no successor.
  code_already_used: ({ retryAfter, wait }) =>
    retryAfter === null
      ? "That code was already used. Enter another one."
      : `That code was already used. Your app shows a new one ${later(wait)}.`,
  code_expired: (context) =>
    withTries(
      `That code is old. Your phone’s clock seems to be about ${minutes(context.minutesAgo)} behind. Turn on automatic time, then enter a new code.`,
      context,
    ),
  account_locked: ({ wait }) => `Too many wrong codes. You can try again ${later(wait)}.`,
  enrolment_expired: () =>
    "This setup key has expired. Scan the new one, and delete the old entry from your app.",
  guarded: () => "One code is not enough. Enter two codes in a row, or a backup code.",
  factor_disabled: () =>
    "Too many wrong codes, so codes from your app are turned off. Use a backup code. If you have none, you need a new password.",
  factor_unreadable: () =>
    "The server cannot read your authenticator’s key. A new code will not help.",
  codes_outdated: () =>
    "These backup codes were already saved or replaced, perhaps in another tab.",
  factor_needed: () => "Set up an authenticator app first.",
  session_ended: () => "Your session has ended. Please sign in again.",
  not_authenticated: () => "You are not signed in.",
  out_of_turn: () => "This sign-in has already moved on, perhaps in another tab.",
  step_up_required: () => "Please confirm that it is you.",
  app_code_required: () => "Please confirm with a code from your authenticator app.",
  mfa_required: () => "Everyone here needs a second step, so you cannot turn it off.",
  forbidden: () => "Only administrators can do this.",
  forbidden_origin: () =>
    "The server does not accept sign-ins from this address. Open the site at its usual address.",
  unknown_host: () =>
    "The server does not recognize this address. Open the site at its usual address.",
  clock_fault: () => "The server’s clock is wrong, so it cannot check codes.",
  not_found: () =>
    "The server does not recognize this request. It may have been updated: reload the page.",
  method_not_allowed: () =>
    "The server does not recognize this request. It may have been updated: reload the page.",
  payload_too_large: () => "That is longer than the server accepts.",
  request_timeout: () => "The request took too long to arrive. Please try again.",
  unsupported_media_type: () => "The server did not understand the request. Reload the page.",
  internal: () => "Something went wrong on the server. Please try again.",
  unavailable: ({ wait }) =>
    wait > 0
      ? `The server is not available. Try again in ${inWords(wait)}.`
      : "The server is not available. Please try again.",
  offline: () => "Nothing was sent. Try again when you are back online.",
  unreachable: () => "The server did not respond. Check your connection and try again.",
  timeout: () => "The server took too long to respond. Please try again.",
} satisfies Record<Reason | OwnCode, (context: SentenceContext) => string>;

/** What only an administrator can fix. */
export const NEEDS_SUPPORT: ReadonlySet<string> = new Set<Reason>([
  "factor_disabled",
  "factor_unreadable",
  "clock_fault",
]);

export function sentenceFor(context: SentenceContext): string {
  const known = (SENTENCES as Record<string, (context: SentenceContext) => string>)[context.code];
  return known?.(context) ?? (context.detail || SENTENCES.internal());
}
