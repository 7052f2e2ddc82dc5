import { useEffect } from "react";
import { LoginForm } from "../features/login/LoginForm";
import { LoginNotice } from "../features/login/LoginNotice";
import { OfflineNote } from "../features/login/OfflineNote";
import { useAuth } from "../lib/auth";
import { Frame } from "../ui/Frame";

export default function Login() {
  const { appName } = useAuth();
  useEffect(fetchNextPages, []);
  return (
    <Frame title={appName ? `Sign in to ${appName}` : "Sign in"} appName={appName}>
      <LoginNotice />
      <OfflineNote typing />
      <LoginForm />
    </Frame>
  );
}

/** While somebody types a password there is time to bring the pages that may follow. */
function fetchNextPages(): void {
  const pages = [import("./TOTPVerify"), import("./EmailCode")];
  // A page that cannot be had now is asked for again when it is needed.
  Promise.all(pages).catch(() => undefined);
}
