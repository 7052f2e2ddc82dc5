import { EmailCodeForm } from "../features/emailCode/EmailCodeForm";
import { Resend } from "../features/emailCode/Resend";
import { StepFrame } from "../features/login/StepFrame";
import { useLogin } from "../lib/auth";
import { Alert } from "../ui/Alert";

export default function EmailCode() {
  const { sender, tries_left: left } = useLogin();
  const isDead = left === 0;

  return (
    <StepFrame
      title="Check your e-mail"
      lead={<Sent from={sender ?? null} />}
      footer={!isDead && <Resend />}
    >
      {isDead ? (
        <>
          <Alert tone="warning">That code no longer works. Ask for a new one.</Alert>
          <Resend urgent />
        </>
      ) : (
        <EmailCodeForm />
      )}
    </StepFrame>
  );
}

function Sent({ from }: { from: string | null }) {
  if (from === null) {
    return <p>This server sends no mail: it has printed your code in its console.</p>;
  }
  return (
    <p>
      We sent a code from <strong>{from}</strong> to the address below. Not there? Look in the spam
      folder.
    </p>
  );
}
