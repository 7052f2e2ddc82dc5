import { useLogin } from "../../lib/auth";
import { useSecondsLeft } from "../../lib/useSecondsLeft";
import { Alert } from "../../ui/Alert";

const WARN_AT = 60;

/** A word before a sign-in runs out, so that its end surprises nobody. */
export function ExpiryNote() {
  const { expiresAt } = useLogin();
  const left = useSecondsLeft(expiresAt);
  if (left > WARN_AT || left === 0) return null;
  return (
    <Alert tone="warning">
      <p className="numbers" aria-hidden="true">
        This sign-in ends in {left} s. After that you start again with your password.
      </p>
      <p className="visually-hidden">
        This sign-in ends within a minute. After that you start again with your password.
      </p>
    </Alert>
  );
}
