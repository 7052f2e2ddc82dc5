/** What an authenticator app computes: entries from links and keys, and their codes. */
import { TOTP, URI } from "otpauth";

const KEY = /^[A-Z2-7]{16,}=*$/;

/** A time-based entry in an otpauth link; null if the text is no such link. */
export function entryIn(link: string): TOTP | null {
  try {
    const entry = URI.parse(link);
    return entry instanceof TOTP ? entry : null;
  } catch {
    return null;
  }
}

export const isLink = (text: string) => /^\s*otpauth:/i.test(text);

/** The otpauth link for what was typed, pasted or scanned: such a link, or a key; null for anything else. */
export function linkFor(text: string, name = ""): string | null {
  if (isLink(text)) return entryIn(text.trim())?.toString() ?? null;
  const secret = text.replace(/[\s-]/g, "").toUpperCase();
  return KEY.test(secret)
    ? new TOTP({ issuer: "", label: name.trim() || "Account", secret }).toString()
    : null;
}

/** The code an entry shows at a time (ms since the epoch), and how long it will. */
export function codeAt(entry: TOTP, time: number) {
  const periodMs = entry.period * 1000;
  return {
    code: entry.generate({ timestamp: time }),
    secondsLeft: Math.ceil((periodMs - (time % periodMs)) / 1000),
  };
}

/** A code as apps show it: 123 456. */
export const spaced = (code: string) =>
  `${code.slice(0, code.length / 2)} ${code.slice(code.length / 2)}`;
