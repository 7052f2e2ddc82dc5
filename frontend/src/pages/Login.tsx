import { useEffect } from "react";
import { CookiesNote } from "../features/login/CookiesNote";
import { LoginForm } from "../features/login/LoginForm";
import { LoginNotice } from "../features/login/LoginNotice";
import { OfflineNote } from "../features/login/OfflineNote";
import { useAuth } from "../lib/auth";
import { Frame } from "../ui/Frame";

export default function Login() {
  const { appName } = useAuth();
  useEffect(preloadNextPages, []);
  return (
    <Frame title={appName ? `Sign in to ${appName}` : "Sign in"} appName={appName}>
      <LoginNotice />
      <OfflineNote typing />
      <CookiesNote />
      <LoginForm />
    </Frame>
  );
}

/** Loads the pages that may come next while the password is being typed. */
function preloadNextPages(): void {
  const pages = [import("./TOTPVerify"), import("./EmailCode")];
  // A page that fails to load now is loaded again when it is needed.
  Promise.all(pages).catch(() => undefined);
}
