import { useAuth } from "../../lib/auth";

/** Where the code is to be found: people keep many entries in one app. */
export function EntryHint() {
  const { appName } = useAuth();
  return (
    <>
      From your authenticator app, entry <em>{appName}</em>.
    </>
  );
}
