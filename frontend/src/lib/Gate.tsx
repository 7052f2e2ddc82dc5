import { type ReactNode, Suspense, useEffect } from "react";
import { Navigate, useLocation } from "react-router";
import { useAuth } from "./auth";
import { forgetReturn, rememberReturn, returnPath } from "./returnPath";
import { LOGIN_PATH, mayStay, pathOf, STEP_PATH } from "./steps";

interface GateProps {
  /** Shown while it is not known where this browser stands, or while the page is on its way. */
  waiting: ReactNode;
  children: ReactNode;
}

/** Shows a page only to those who belong on it; everybody else is led to their own. */
export function Gate({ waiting, children }: GateProps) {
  const { state } = useAuth();
  const { pathname, search, hash } = useLocation();
  const here = pathname + search + hash;
  const belongs = mayStay(state, pathname);

  useEffect(() => {
    // Whoever signs out on purpose leaves nothing behind for the next person.
    const leftOnPurpose = state.at === "signed_out" && state.notice === "signed_out";
    if (state.at === "signed_out" && !belongs && !leftOnPurpose) rememberReturn(here);
    if (state.at === "signed_in" && belongs) forgetReturn();
  }, [state, belongs, here]);

  // The sign-in form is shown before the server has answered, and must be the same form afterwards.
  const early = state.at === "booting" && pathname === LOGIN_PATH;
  if (belongs || early) return <Suspense fallback={waiting}>{children}</Suspense>;
  const target = pathOf(state);
  if (target === null) return waiting;
  return <Navigate replace to={target === STEP_PATH.done ? returnPath() : target} />;
}
