/** The sign-in state of this browser, as plain data. `auth.tsx` changes it; the pages read it. */
import type { ApiProblem, Done, LoginState, User } from "./api";

export type Notice = "expired" | "unlocked" | "session_ended" | "signed_out";

/** A login in progress, with the server's waits as points in time (ms since the epoch). */
export interface Login extends LoginState {
  expiresAt: number;
  unlocksAt: number | null;
  resendAt: number;
}

export type AuthState =
  | { at: "booting" }
  | { at: "unreachable"; problem: ApiProblem }
  | { at: "signed_out"; notice: Notice | null }
  | { at: "login"; login: Login }
  /** `renewed`: shown at a sign-in because no codes were left, not at the end of the setup. */
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

export function inProgress(login: LoginState, now = Date.now()): AuthState {
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

/** An upgrade replaces the pages first, and the previous version of the service does not list the factors. */
const everyFactor = (step: LoginState["step"]) => (step === "totp" ? ["totp", "backup_codes"] : []);

/** The state after an accepted proof: the next step, the codes to save, or signed in. */
export function after(accepted: LoginState | Done, from: AuthState): AuthState {
  if (accepted.step !== "done") return inProgress(accepted);
  if (accepted.backup_codes?.length) {
    const renewed = from.at === "login" && from.login.step === "totp";
    return { at: "codes", user: accepted.user, codes: accepted.backup_codes, renewed };
  }
  const left = accepted.backup_codes_left;
  if (typeof left !== "number") return signedIn(accepted.user);
  return signedIn({ ...accepted.user, backup_codes_left: left }, true);
}
