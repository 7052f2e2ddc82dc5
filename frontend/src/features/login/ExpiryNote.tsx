import { useLogin } from "../../lib/auth";
import { useSecondsLeft } from "../../lib/useSecondsLeft";
import { Alert } from "../../ui/Alert";

const WARN_BEFORE_SECONDS = 60;

/** Warns that the sign-in is about to expire. */
export function ExpiryNote() {
  const { expiresAt } = useLogin();
  const left = useSecondsLeft(expiresAt);
  if (left > WARN_BEFORE_SECONDS || left === 0) return null;
  return (
    <Alert tone="warning">
      <p className="numbers" aria-hidden="true">
        This sign-in expires in {left} s. After that, start again with your password.
      </p>
      <p className="visually-hidden">
        This sign-in expires within a minute. After that, start again with your password.
      </p>
    </Alert>
  );
}
