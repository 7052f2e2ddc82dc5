import { useAuth } from "../../lib/auth";
import type { Notice } from "../../lib/authState";
import { Alert } from "../../ui/Alert";

const WORDS: Record<Notice, string> = {
  expired: "That sign-in took too long and has ended. Enter your password to start again.",
  unlocked: "Your account is open again. Enter your password to sign in.",
  session_ended: "Your session has ended. Please sign in again.",
  signed_out: "You are signed out.",
};

/** Why somebody finds themselves at the sign-in page, if there is a reason. */
export function LoginNotice() {
  const { state } = useAuth();
  if (state.at !== "signed_out" || !state.notice) return null;
  return <Alert>{WORDS[state.notice]}</Alert>;
}
