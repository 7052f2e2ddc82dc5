/** How far a clock is off, in words. */
export function clockInWords(secondsAhead: number): string {
  if (secondsAhead === 0) return "right";
  const total = Math.abs(secondsAhead);
  const [minutes, seconds] = [Math.floor(total / 60), total % 60];
  const parts = [minutes && `${minutes} min`, seconds && `${seconds} s`].filter(Boolean);
  return `${parts.join(" ")} ${secondsAhead > 0 ? "ahead" : "behind"}`;
}
