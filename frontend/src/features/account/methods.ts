const NAMES: Record<string, string> = {
  pwd: "password",
  otp: "authenticator code",
  backup: "backup code",
};

/** How someone signed in, in words: "password and authenticator code". "mfa" adds nothing to the list of factors. */
export function methodsInWords(amr: readonly string[]): string {
  const words = amr.filter((name) => name !== "mfa").map((name) => NAMES[name] ?? name);
  return [...new Set(words)].join(" and ");
}
