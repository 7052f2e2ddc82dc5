/** 14:59, or 1:02:03 from an hour on. */
export function asClock(seconds: number): string {
  const [hours, minutes, rest] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(
    Math.floor,
  );
  const two = (part = 0) => String(part).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** The wall-clock time of a moment, the way this browser's user writes it. */
export const timeOfDay = (moment: number) =>
  new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

const MILESTONES: readonly (readonly [number, string])[] = [
  [10, "10 seconds left"],
  [60, "1 minute left"],
  [300, "5 minutes left"],
  [600, "10 minutes left"],
];

/** The last milestone passed, for reading aloud: it changes a few times in all, not each second. */
export function milestone(seconds: number): string {
  if (seconds <= 0) return "";
  return MILESTONES.find(([mark]) => seconds <= mark)?.[1] ?? "";
}
