/** Joins class names, leaving out the empty ones. */
export const cx = (...names: (string | false | null | undefined)[]) =>
  names.filter(Boolean).join(" ");

/** The digits in typed or pasted text, as ASCII, without any spaces, dashes and words around them. */
export const digitsOf = (raw: string) => raw.normalize("NFKC").replace(/[^0-9]/g, "");

/** The letters and digits of a long code, in capitals, without separators. */
const emailsOf = (raw: string) =>
  raw
    .normalize("NFKC")
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, "");

/** Formats a long code, even an incomplete one, as XXXX-XXXX-XXXX-XXXX. */
export const grouped = (raw: string) => emailsOf(raw).replace(/(.{4})(?=.)/g, "$1-");

/** 14:59, or 1:02:03 from one hour up. */
export function asClock(seconds: number): string {
  const [hours, minutes, rest] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(
    Math.floor,
  );
  const two = (part = 0) => String(part).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** The local time of day at *moment*, in the format of the user's locale. */
export const timeOfDay = (moment: number) =>
  new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

const MILESTONES: readonly (readonly [number, string])[] = [
  [10, "10 seconds left"],
  [60, "1 minute left"],
  [300, "5 minutes left"],
  [600, "10 minutes left"],
];

/** The last milestone passed. Screen readers announce it, so it changes only a few times, not every second. */
export function milestone(seconds: number): string {
  if (seconds <= 0) return "";
  return MILESTONES.find(([mark]) => seconds <= mark)?.[1] ?? "";
}

/** Copies *text* to the clipboard and returns whether that worked: it needs HTTPS or localhost, and permission. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
