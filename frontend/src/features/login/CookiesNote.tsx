import { Alert } from "../../ui/Alert";

/** Without cookies, nobody can sign in. */
export function CookiesNote() {
  if (navigator.cookieEnabled) return null;
  return (
    <Alert tone="warning">
      Your browser blocks cookies, and signing in needs them. Allow cookies for this site, then
      reload the page.
    </Alert>
  );
}
