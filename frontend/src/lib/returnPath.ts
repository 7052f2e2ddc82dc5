/** Where to go after signing in: a page of this site that needs a session. Kept for this tab only. */

import { BACKUP_CODE_PATH, LOGIN_PATH, STEP_PATH } from "./steps";
import { storage } from "./storage";

const KEY = "focys.return";
const SIGN_IN_PATHS = new Set<string>([
  LOGIN_PATH,
  BACKUP_CODE_PATH,
  STEP_PATH.email_code,
  STEP_PATH.enroll,
  STEP_PATH.totp,
]);

/** The path, query and fragment of *raw* if it is a page of this origin outside the sign-in, otherwise null. */
export function safePath(raw: string, origin = window.location.origin): string | null {
  if (!URL.canParse(raw, origin)) return null;
  const url = new URL(raw, origin);
  if (url.origin !== origin || url.username || url.password) return null;
  if (SIGN_IN_PATHS.has(url.pathname) || url.pathname.startsWith("//")) return null;
  return url.pathname + url.search + url.hash;
}

export function rememberReturn(raw: string): void {
  const path = safePath(raw);
  if (path && path !== STEP_PATH.done) storage.set(KEY, path);
}

export function returnPath(): string {
  return safePath(storage.get(KEY) ?? "") ?? STEP_PATH.done;
}

export function forgetReturn(): void {
  storage.remove(KEY);
}
