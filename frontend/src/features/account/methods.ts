const NAMES: Record<string, string> = {
  pwd: "password",
  password: "password",
  otp: "authenticator code",
  totp: "authenticator code",
  email: "e-mail code",
  email_code: "e-mail code",
  backup: "backup code",
  backup_code: "backup code",
  backup_codes: "backup code",
};

/** How somebody signed in, in words. The mark "several factors" adds nothing to the list of them. */
export function methodsInWords(amr: readonly string[]): string {
  const words = [
    ...new Set(amr.filter((name) => name !== "mfa").map((name) => NAMES[name] ?? name)),
  ];
  const sentence = words.join(", ");
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
