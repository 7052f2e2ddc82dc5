import { type ComponentType, lazy } from "react";
import { STEP_PATH } from "./lib/steps";

/** The pages that need a session, by path. A new one is a file in `pages` and a line here. */
export const SIGNED_IN_PAGES: Readonly<Record<string, ComponentType>> = {
  [STEP_PATH.done]: lazy(() => import("./pages/account/Security")),
  "/account/authenticator": lazy(() => import("./pages/account/Authenticator")),
};
