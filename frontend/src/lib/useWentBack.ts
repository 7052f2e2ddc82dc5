import { useEffect, useRef } from "react";
import { useLocation, useNavigationType } from "react-router";
import { useAuth } from "./auth";
import { LOGIN_PATH } from "./steps";

/** Whether the browser's Back button has led from a step to the sign-in page. That cancels the login in progress. */
export function useWentBack(): boolean {
  const { state, cancel } = useAuth();
  const location = useLocation();
  // Every visit has its own location object. The first one is where the tab was opened.
  const known = useRef(location);
  const byButton = useNavigationType() === "POP" && location !== known.current;
  const wentBack = byButton && state.at === "login" && location.pathname === LOGIN_PATH;

  useEffect(() => {
    if (!wentBack) return;
    known.current = location;
    void cancel();
  }, [wentBack, location, cancel]);
  return wentBack;
}
