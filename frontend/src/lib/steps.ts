/** The server decides the step of a login; this maps it to the path of its page. */
import type { Step } from "./api";
import type { AuthState } from "./authState";

export const LOGIN_PATH = "/login";
export const BACKUP_CODE_PATH = "/backup-code";

export const STEP_PATH: Record<Step, string> = {
  email_code: "/email-code",
  enroll: "/mfa-enroll",
  totp: "/totp-verify",
  done: "/",
};

/** The path a state leads to; null while that is unknown. */
export function pathOf(state: AuthState): string | null {
  switch (state.at) {
    case "booting":
    case "unreachable":
      return null;
    case "signed_out":
      return LOGIN_PATH;
    case "login":
      return STEP_PATH[state.login.step];
    case "codes":
      return STEP_PATH.enroll;
    case "signed_in":
      return STEP_PATH.done;
  }
}

/** Whether a state may stay on *path*: on the page of its step, or on any page that needs the session it has. */
export function mayStay(state: AuthState, path: string, needsSession = false): boolean {
  if (needsSession) return state.at === "signed_in";
  // The second factor has two pages.
  const atSecondFactor = state.at === "login" && state.login.step === "totp";
  return path === pathOf(state) || (atSecondFactor && path === BACKUP_CODE_PATH);
}
