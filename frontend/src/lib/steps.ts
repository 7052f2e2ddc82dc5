/** The server names the step of a login; this is where its page lives. */
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

/** The page a state belongs on; null while that is not known yet. */
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

/** Whether a state may stay on a page: its own one, or the other door of the second factor. */
export function mayStay(state: AuthState, path: string): boolean {
  const atSecondFactor = state.at === "login" && state.login.step === "totp";
  return path === pathOf(state) || (atSecondFactor && path === BACKUP_CODE_PATH);
}
