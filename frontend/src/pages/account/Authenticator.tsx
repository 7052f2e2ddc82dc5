import { AccountFrame } from "../../features/account/AccountFrame";
import { TurnOff } from "../../features/account/TurnOff";
import { useNewPhone } from "../../features/account/useNewPhone";
import { Enrollment } from "../../features/totp/Enrollment";
import { useAuth } from "../../lib/auth";
import { ProblemText } from "../../lib/ProblemText";
import { Alert } from "../../ui/Alert";
import { Button } from "../../ui/Button";

/** A new phone in place of the old one. */
export default function Authenticator() {
  const { state } = useAuth();
  const { name, dialog, setup } = useNewPhone();
  if (state.at !== "signed_in") return null;
  if (name) return <Replaced name={name} />;
  const { mfa_enabled: hasFactor } = state.user;
  const title = hasFactor ? "New phone" : "Authenticator app";
  return (
    <AccountFrame
      wide={setup.enrollment !== undefined}
      title={title}
      lead={
        <p>
          {hasFactor
            ? "Add your account to a new phone or app. The old one keeps working until you enter a code from the new one."
            : "With an authenticator app, your password alone is not enough to sign in. You also enter a code from the app."}
        </p>
      }
    >
      {setup.enrollment ? (
        <Enrollment setup={setup} />
      ) : (
        <>
          {setup.problem && (
            <Alert tone="danger">
              <ProblemText problem={setup.problem} />
            </Alert>
          )}
          <Button look="primary" busy={setup.loading} onClick={() => void setup.reload()}>
            {hasFactor ? "Set up a new phone" : "Set up an app"}
          </Button>
          {hasFactor && <TurnOff />}
        </>
      )}
      {dialog}
    </AccountFrame>
  );
}

function Replaced({ name }: { name: string }) {
  return (
    <AccountFrame
      title="Your new phone is set up"
      lead={<p>From now on, only codes from the new entry work.</p>}
    >
      <Alert>
        <p>
          Keep the entry <strong>{name}</strong>. Delete the older one from your app or your old
          phone.
        </p>
      </Alert>
      <p>You are now signed out everywhere else. Your backup codes still work.</p>
    </AccountFrame>
  );
}
