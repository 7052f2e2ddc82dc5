"""Mail: whether the server takes us, whether it takes a letter, and whether letters are stuck."""

from datetime import datetime, timedelta

from focys.cli.doctor.finding import Finding, fail, ok, warn
from focys.features.outbox import Outbox
from focys.infra.mail.mailer import ConsoleMailer, Mailer, MailError, Message, SmtpMailer, mailer_for
from focys.settings import Settings

STUCK_AFTER = timedelta(minutes=5)

_MEND = "check SMTP_HOST, SMTP_PORT, SMTP_USER, SMTP_PASSWORD and SMTP_SECURITY"
_MEND_CA = "check SMTP_CA_FILE"


def open_mailer(settings: Settings) -> Mailer | Finding:
    """Return the mailer the service itself would use, or why there can be none."""
    try:
        return mailer_for(settings)
    except OSError as fault:
        return fail("mail", f"the authorities' certificates cannot be read ({type(fault).__name__})", _MEND_CA)


async def check_mail(mailer: Mailer, settings: Settings) -> Finding:
    """Connect and sign in as the service does, without a letter."""
    name = "mail"
    if not isinstance(mailer, SmtpMailer):
        if settings.is_local:
            return ok(name, "codes go to the console")
        return warn(name, "codes go to the console, where whoever reads it can sign in", "set SMTP_HOST")
    try:
        await mailer.check()
    except MailError as fault:
        return fail(name, f"the mail server does not take us ({fault})", _MEND, aside=_printable(fault.answer))
    if settings.smtp_security == "none":
        return warn(name, "the mail server answers, without TLS", "set SMTP_SECURITY=starttls")
    return ok(name, "the mail server takes us, over TLS")


async def check_letter(mailer: Mailer, settings: Settings, to: str, now: datetime) -> Finding:
    """Send one letter the way all letters go, and say what came of it."""
    name = "test letter"
    letter = Message(
        subject=f"A test letter from {settings.app_name}",
        paragraphs=("This letter shows that mail from the sign-in service arrives.", "Nothing needs to be done."),
        console="A test letter: mail goes to this console.",
    )
    try:
        await mailer.send(to, letter, now)
    except MailError as fault:
        return fail(name, f"refused ({fault})", _MEND, aside=_printable(fault.answer))
    if isinstance(mailer, ConsoleMailer):
        return warn(name, "printed on this console; no mail server is set", "set SMTP_HOST")
    return ok(name, "the mail server has taken it; see whether it arrives, and not as spam", aside=_printable(to))


async def check_outbox(outbox: Outbox) -> Finding:
    """Look for letters that should have left."""
    return judge_outbox(await outbox.count_waiting(STUCK_AFTER))


def judge_outbox(stuck: int) -> Finding:
    """Say how many letters have been waiting for too long."""
    minutes = int(STUCK_AFTER.total_seconds() // 60)
    if stuck:
        detail = f"{stuck} letters have been waiting for more than {minutes} minutes"
        return warn("outbox", detail, "focys doctor --send-test ADDRESS, and see that the service runs")
    return ok("outbox", f"no letter has been waiting for more than {minutes} minutes")


def _printable(text: str) -> str:
    """Return one line that cannot steer the terminal: a stranger's server wrote it."""
    return "".join(c if c.isprintable() else " " for c in text)[:300]
