const NAMES: Record<string, string> = {
  pwd: "password",
  otp: "authenticator code",
  backup: "backup code",
};

/** How someone signed in, in words. "mfa" adds nothing to the list of factors. */
export function methodsInWords(amr: readonly string[]): string {
  const words = [
    ...new Set(amr.filter((name) => name !== "mfa").map((name) => NAMES[name] ?? name)),
  ];
  const sentence = words.join(", ");
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
