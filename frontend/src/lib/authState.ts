/** The sign-in state of this browser, as plain data. `auth.tsx` changes it; the pages read it. */
import type { ApiProblem, Done, FactorReplaced, LoginState, NewBackupCodes, User } from "./api";

export type Notice = "expired" | "lost" | "unlocked" | "session_ended" | "signed_out";

/** A login in progress, with the server's waits as points in time (ms since the epoch). */
export interface Login extends LoginState {
  expiresAt: number;
  unlocksAt: number | null;
  resendAt: number;
}

/**
 * Why backup codes are shown: at the end of the setup, because none were left, because the last ones were not saved, or
 * because someone asked for new ones.
 */
export type WhyShown = "first" | "none_left" | "not_saved" | "asked";

export type AuthState =
  | { at: "booting" }
  | { at: "unreachable"; problem: ApiProblem }
  | { at: "signed_out"; notice: Notice | null }
  | { at: "login"; login: Login }
  | { at: "codes"; user: User; codes: string[]; why: WhyShown }
  | { at: "signed_in"; user: User; usedBackupCode: boolean };

type SignedIn = Extract<AuthState, { user: User }>;

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
    const why = from.at === "login" && from.login.step === "totp" ? "none_left" : "first";
    return { at: "codes", user: accepted.user, codes: accepted.backup_codes, why };
  }
  const left = accepted.backup_codes_left;
  if (typeof left !== "number") return signedIn(accepted.user);
  return signedIn({ ...accepted.user, backup_codes_left: left }, true);
}

/** Whether the session has begun; the backup codes may still have to be saved. */
export const isSignedIn = (state: AuthState): state is SignedIn =>
  state.at === "signed_in" || state.at === "codes";

/** The signed-in user, and the set of backup codes that is not acknowledged as saved. */
export function unsavedSet(state: AuthState): { user?: User; set?: string } {
  if (!isSignedIn(state)) return {};
  const set = state.user.backup_codes_unsaved;
  return { user: state.user, ...(set && { set }) };
}

/** The state after a new authenticator: its backup codes to save, if it is the first one. */
export function withNewFactor({ user, backup_codes: codes }: FactorReplaced): AuthState {
  return codes?.length ? { at: "codes", user, codes, why: "first" } : signedIn(user);
}

/** The state after asking for new codes. */
export function withNewCodes(user: User, renewed: NewBackupCodes, why: WhyShown): AuthState {
  const { backup_codes: codes, backup_codes_unsaved } = renewed;
  const changed = { ...user, backup_codes_left: codes.length, backup_codes_unsaved };
  return { at: "codes", user: changed, codes, why };
}
