import { EmailCodeForm } from "../features/emailCode/EmailCodeForm";
import { Resend } from "../features/emailCode/Resend";
import { StepFrame } from "../features/login/StepFrame";
import { useLogin } from "../lib/auth";
import { Alert } from "../ui/Alert";

export default function EmailCode() {
  const { sender = null, tries_left: left } = useLogin();
  const isDead = left === 0;

  return (
    <StepFrame
      title={sender === null ? "Check the server’s console" : "Check your e-mail"}
      lead={<Sent from={sender} />}
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
    return <p>No mail is set up here, so your code is printed there.</p>;
  }
  return (
    <p>
      We sent a code from <strong>{from}</strong> to the address below. Not there? Look in the spam
      folder.
    </p>
  );
}
