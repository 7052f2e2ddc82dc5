import { type ComponentType, lazy } from "react";
import { STEP_PATH } from "./lib/steps";

/** The pages that need a session, by path. A new one is a file in `pages` and a line here. */
export const SIGNED_IN_PAGES: Readonly<Record<string, ComponentType>> = {
  [STEP_PATH.done]: lazy(() => import("./pages/account/Security")),
  "/account/sessions": lazy(() => import("./pages/account/Sessions")),
  "/account/activity": lazy(() => import("./pages/account/Activity")),
  "/account/password": lazy(() => import("./pages/account/Password")),
  "/account/backup-codes": lazy(() => import("./pages/account/BackupCodes")),
  "/account/authenticator": lazy(() => import("./pages/account/Authenticator")),
};
