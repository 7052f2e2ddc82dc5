import { type ReactNode, Suspense, useEffect } from "react";
import { Navigate, useLocation } from "react-router";
import { useAuth } from "./auth";
import { forgetReturn, rememberReturn, returnPath } from "./returnPath";
import { LOGIN_PATH, mayStay, pathOf, STEP_PATH } from "./steps";

interface GateProps {
  /** The page is for anyone signed in, and for nobody else. */
  needsSession: boolean;
  /** Anyone may see the page now. */
  open: boolean;
  /** Shown until the sign-in state is known and the page has loaded. */
  waiting: ReactNode;
  children: ReactNode;
}

/** Shows a page only to people who may see it, and redirects everyone else to their own page. */
export function Gate({ needsSession, open, waiting, children }: GateProps) {
  const { state } = useAuth();
  const { pathname, search, hash } = useLocation();
  const here = pathname + search + hash;
  const belongs = mayStay(state, pathname, needsSession);

  useEffect(() => {
    // After signing out on purpose, nothing is kept for the next person.
    const leftOnPurpose = state.at === "signed_out" && state.notice === "signed_out";
    if (state.at === "signed_out" && !belongs && !leftOnPurpose) rememberReturn(here);
    if (state.at === "signed_in" && belongs) forgetReturn();
  }, [state, belongs, here]);

  // The sign-in form appears before the server has responded, and must stay the same element afterwards.
  const early = state.at === "booting" && pathname === LOGIN_PATH;
  if (belongs || early || open) return <Suspense fallback={waiting}>{children}</Suspense>;
  const target = pathOf(state);
  if (target === null) return waiting;
  // The browser's Back button leads from a step to the sign-in page.
  const isStep = state.at === "login" && pathname === LOGIN_PATH;
  return <Navigate replace={!isStep} to={target === STEP_PATH.done ? returnPath() : target} />;
}
