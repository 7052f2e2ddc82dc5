import { useEffect } from "react";
import { CookiesNote } from "../features/login/CookiesNote";
import { LoginForm } from "../features/login/LoginForm";
import { LoginNotice } from "../features/login/LoginNotice";
import { OfflineNote } from "../features/login/OfflineNote";
import { useAuth } from "../lib/auth";
import { ContactSupport } from "../lib/ContactSupport";
import { Frame } from "../ui/Frame";
import styles from "./links.module.css";

export default function Login() {
  const { appName, brand } = useAuth();
  useEffect(preloadNextPages, []);
  return (
    <Frame
      title={appName ? `Sign in to ${appName}` : "Sign in"}
      appName={appName}
      footer={
        brand.support && (
          <p className={styles.help}>
            <ContactSupport when="If you cannot sign in" />
          </p>
        )
      }
    >
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
