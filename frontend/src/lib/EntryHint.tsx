import { useAuth } from "./auth";

/** Where to find the code: many people have several entries in their app. */
export function EntryHint() {
  const { appName } = useAuth();
  return (
    <>
      In your authenticator app, under <em>{appName}</em>.
    </>
  );
}
