"""Email: the mail server, and what waits to be sent."""

from datetime import datetime, timedelta

from focys.cli.doctor.checks_database import RESTART
from focys.cli.doctor.report import Finding, fail, ok, warn
from focys.features.outbox import Outbox
from focys.infra.mail.mailer import ConsoleMailer, Mailer, MailError, Message, SmtpMailer
from focys.settings import Settings

STUCK_AFTER = timedelta(minutes=5)
_OTHER_DOMAINS = "correct the person's address, or have the mail server let SMTP_USER send to that domain"
_FIXES_FOR_MAIL = {
    "SMTPAuthenticationError": "correct SMTP_USER and SMTP_PASSWORD",
    "SMTPSenderRefused": "set SMTP_FROM to an address that SMTP_USER may send from",
    "SMTPRecipientRefused": _OTHER_DOMAINS,
    "SMTPRecipientsRefused": _OTHER_DOMAINS,
}


async def check_mail(mailer: Mailer, settings: Settings) -> Finding:
    """Connect and log in as the service does, without sending anything."""
    name = "mail"
    if not isinstance(mailer, SmtpMailer):
        if settings.is_local:
            return ok(name, "codes go to the console")
        return warn(name, "codes go to the console, where anyone who reads it can sign in", "set SMTP_HOST")
    try:
        await mailer.check()
    except MailError as fault:
        return fail(name, f"SMTP login failed ({fault})", mail_fix(fault), aside=_printable(fault.answer))
    if settings.smtp_security == "none":
        return warn(name, "SMTP works, without TLS", "set SMTP_SECURITY=starttls")
    return ok(name, "SMTP login works (TLS)")


def mail_fix(fault: MailError) -> str:
    """Return what helps against an email, or a login, that the mail server did not take."""
    if "CERTIFICATE_VERIFY_FAILED" in fault.answer:
        return (
            "set SMTP_CA_FILE to its authority's certificate, in /etc/focys; or SMTP_HOST to a name in its certificate"
        )
    kind = str(fault).partition(" ")[0]
    return _FIXES_FOR_MAIL.get(kind, "correct SMTP_HOST, SMTP_PORT and SMTP_SECURITY, or start the mail server")


async def check_test_email(mailer: Mailer, settings: Settings, to: str, now: datetime) -> Finding:
    """Send a test email the way all email is sent."""
    name = "test email"
    message = Message(
        subject=f"Test email from {settings.app_name}",
        paragraphs=(
            "This message shows that email from the sign-in service arrives.",
            "No action is needed.",
        ),
        console="Test email: email goes to this console.",
    )
    try:
        await mailer.send(to, message, now)
    except MailError as fault:
        return fail(name, f"refused ({fault})", mail_fix(fault), aside=_printable(fault.answer))
    if isinstance(mailer, ConsoleMailer):
        return warn(name, "printed on this console; no SMTP server is configured", "set SMTP_HOST")
    return ok(name, "accepted by the SMTP server; check that it arrives, and not as spam", aside=_printable(to))


async def check_outbox(outbox: Outbox, mailer: Mailer) -> Finding:
    """Look for email that should have been sent, and ask the mail server whether it takes the oldest."""
    stuck = await outbox.count_waiting(STUCK_AFTER)
    recipient = await outbox.find_waiting_recipient(STUCK_AFTER) if stuck else None
    refusal = None
    if recipient is not None and isinstance(mailer, SmtpMailer):
        try:
            await mailer.check(recipient)
        except MailError as fault:
            refusal = fault
    return outbox_finding(stuck, refusal)


def outbox_finding(stuck: int, refusal: MailError | None = None) -> Finding:
    """Report how many messages have been waiting for too long, and why the oldest is refused."""
    name, minutes = "outbox", int(STUCK_AFTER.total_seconds() // 60)
    if not stuck:
        return ok(name, f"no message has been waiting for more than {minutes} minutes")
    waiting = "1 message has" if stuck == 1 else f"{stuck} messages have"
    detail = f"{waiting} been waiting for more than {minutes} minutes"
    if refusal is None:
        return warn(name, detail, f"{RESTART}; if they stay, focys doctor --send-test ADDRESS says why")
    detail += f"; the mail server refuses the oldest ({refusal})"
    return warn(name, detail, mail_fix(refusal), aside=_printable(refusal.answer))


def _printable(text: str) -> str:
    """Return one line without control characters: another server wrote it."""
    return "".join(c if c.isprintable() else " " for c in text)[:300]
