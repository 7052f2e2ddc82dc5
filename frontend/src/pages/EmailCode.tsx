import { EmailCodeForm } from "../features/emailCode/EmailCodeForm";
import { Resend } from "../features/emailCode/Resend";
import { StepFrame } from "../features/login/StepFrame";
import { useLogin } from "../lib/auth";
import { Alert } from "../ui/Alert";

export default function EmailCode() {
  const { email, sender, tries_left: left } = useLogin();
  const isDead = left === 0;

  return (
    <StepFrame title="Check your e-mail" lead={<Sent to={email} from={sender} />}>
      {isDead ? (
        <Alert tone="warning">
          That code no longer works after too many wrong tries. Ask for a new one.
        </Alert>
      ) : (
        <EmailCodeForm />
      )}
      <Resend urgent={isDead} />
    </StepFrame>
  );
}

function Sent({ to, from }: { to: string; from: string | null }) {
  if (from === null) {
    return <p>This server sends no mail: it has printed your code in its console.</p>;
  }
  return (
    <p>
      We sent a code to <strong>{to}</strong> from <strong>{from}</strong>. No mail? Look in the
      spam folder.
    </p>
  );
}
