import { useAuth } from "../../lib/auth";
import type { Notice } from "../../lib/authState";
import { Alert } from "../../ui/Alert";

const TEXTS: Record<Notice, string> = {
  expired: "That sign-in took too long and has expired. Enter your password to start again.",
  lost: "That sign-in has ended, perhaps in another tab. If this happens again, allow cookies for this site.",
  unlocked: "Your account is unlocked. Enter your password to sign in.",
  session_ended: "Your session has ended. Please sign in again.",
  signed_out: "You are signed out.",
};

/** Why someone is at the sign-in page, if there is a reason. */
export function LoginNotice() {
  const { state } = useAuth();
  if (state.at !== "signed_out" || !state.notice) return null;
  return <Alert>{TEXTS[state.notice]}</Alert>;
}
