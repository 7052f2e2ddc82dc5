import { useState } from "react";
import { useAuth, useLogin } from "../../lib/auth";
import { ProblemText } from "../../lib/ProblemText";
import { useAttempt } from "../../lib/useAttempt";
import { SIX_DIGITS, SIXTEEN_CHARACTERS } from "../../lib/useCodeForm";
import { useMarkedField } from "../../lib/useMarkedField";
import { Button } from "../../ui/Button";
import { CodeField } from "../../ui/CodeField";
import { Form } from "../../ui/Form";
import { LongCodeField } from "../../ui/LongCodeField";

const ABOUT_TICKET = ["ticket_needed", "invalid_ticket"];

/** After a reset of the second factor: the emailed code, and the ticket that an administrator handed over. */
export function TicketForm() {
  const { verifyEmailCode } = useAuth();
  const rule = useLogin().code_length === 16 ? SIXTEEN_CHARACTERS : SIX_DIGITS;
  const [code, setCode] = useState("");
  const [ticket, setTicket] = useState("");
  const [ticketMissing, setTicketMissing] = useState(false);
  const { run, busy, slow, problem, refuse } = useAttempt(verifyEmailCode);

  const isAboutTicket = problem !== null && (ticketMissing || ABOUT_TICKET.includes(problem.code));
  const codeField = useMarkedField(isAboutTicket ? null : problem);
  const ticketField = useMarkedField(isAboutTicket ? problem : null);
  const text = problem && !busy ? <ProblemText problem={problem} /> : null;

  const submit = () => {
    if (busy) return;
    const hasTicket = SIXTEEN_CHARACTERS.isComplete(ticket);
    setTicketMissing(rule.isComplete(code) && !hasTicket);
    if (!rule.isComplete(code)) refuse(rule.message);
    else if (!hasTicket) refuse(SIXTEEN_CHARACTERS.message);
    else void run(code, ticket);
  };

  const shared = {
    id: "email-code",
    label: "Email code",
    autoComplete: "one-time-code" as const,
    value: code,
    onChange: setCode,
    error: isAboutTicket ? null : text,
    readOnly: busy,
    field: codeField,
  };
  return (
    <Form onSubmit={submit} slow={slow}>
      {rule === SIXTEEN_CHARACTERS ? (
        <LongCodeField {...shared} />
      ) : (
        <CodeField {...shared} autoFocus onComplete={() => ticketField.current?.focus()} />
      )}
      <LongCodeField
        id="ticket"
        label="Ticket"
        hint="The 16 characters that your administrator gave you after resetting your second step."
        autoFocus={false}
        value={ticket}
        onChange={setTicket}
        error={isAboutTicket ? text : null}
        readOnly={busy}
        field={ticketField}
      />
      <Button type="submit" look="primary" busy={busy}>
        Continue
      </Button>
    </Form>
  );
}
