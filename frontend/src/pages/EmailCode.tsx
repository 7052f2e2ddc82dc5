import { EmailCodeForm } from "../features/emailCode/EmailCodeForm";
import { Resend } from "../features/emailCode/Resend";
import { TicketForm } from "../features/emailCode/TicketForm";
import { StepFrame } from "../features/login/StepFrame";
import { useLogin } from "../lib/auth";
import { Alert } from "../ui/Alert";

export default function EmailCode() {
  const { sender = null, tries_left: left, needs_ticket: needsTicket } = useLogin();
  const isUsedUp = left === 0;

  return (
    <StepFrame
      title={sender === null ? "Check the server console" : "Check your email"}
      lead={<Lead sender={sender} />}
      footer={!isUsedUp && <Resend />}
    >
      {isUsedUp ? (
        <>
          <Alert tone="warning">That code no longer works. Ask for a new one.</Alert>
          <Resend urgent />
        </>
      ) : needsTicket ? (
        <TicketForm />
      ) : (
        <EmailCodeForm />
      )}
    </StepFrame>
  );
}

function Lead({ sender }: { sender: string | null }) {
  if (sender === null) {
    return <p>Email is not set up, so the server prints your code there.</p>;
  }
  return (
    <p>
      We sent a code from <strong>{sender}</strong> to the address below. Not there? Check your spam
      folder.
    </p>
  );
}
