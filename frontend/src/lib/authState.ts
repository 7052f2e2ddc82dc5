/** Where this browser stands, as plain data. `auth.tsx` moves it; the pages read it. */
import type { Done, LoginState, User } from "./api";

export type Notice = "expired" | "unlocked" | "session_ended" | "signed_out";

/** A login under way, with the server's waits turned into moments (ms since the epoch). */
export interface Login extends LoginState {
  expiresAt: number;
  unlocksAt: number | null;
  resendAt: number;
}

export type AuthState =
  | { at: "booting" }
  | { at: "unreachable"; code: string }
  | { at: "signed_out"; notice: Notice | null }
  | { at: "login"; login: Login }
  /** `renewed`: not the end of a set-up, but a sign-in that found no code left. */
  | { at: "codes"; user: User; codes: string[]; renewed: boolean }
  | { at: "signed_in"; user: User; usedBackupCode: boolean };

export const signedOut = (notice: Notice | null = null): AuthState => ({
  at: "signed_out",
  notice,
});

export const signedIn = (user: User, usedBackupCode = false): AuthState => ({
  at: "signed_in",
  user,
  usedBackupCode,
});

export function underWay(login: LoginState, now = Date.now()): AuthState {
  return {
    at: "login",
    login: {
      ...login,
      factors: login.factors ?? everyFactor(login.step),
      expiresAt: now + login.expires_in * 1000,
      unlocksAt: login.retry_after ? now + login.retry_after * 1000 : null,
      resendAt: now + (login.resend_after ?? 0) * 1000,
    },
  };
}

/** An upgrade replaces the pages first: a service of the previous version does not list the factors yet. */
const everyFactor = (step: LoginState["step"]) => (step === "totp" ? ["totp", "backup_codes"] : []);

/** What an accepted proof leads to: the next step, the codes to save, or home. */
export function after(answer: LoginState | Done, from: AuthState): AuthState {
  if (answer.step !== "done") return underWay(answer);
  if (answer.backup_codes?.length) {
    const renewed = from.at === "login" && from.login.step === "totp";
    return { at: "codes", user: answer.user, codes: answer.backup_codes, renewed };
  }
  const left = answer.backup_codes_left;
  if (typeof left !== "number") return signedIn(answer.user);
  return signedIn({ ...answer.user, backup_codes_left: left }, true);
}
