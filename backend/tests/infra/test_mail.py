"""Mail by a real server, and by none."""

import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from focys.features.outbox import outbox
from focys.features.outbox.service import ONE_TRY
from focys.infra.mail.mailer import (
    WHOLE_TRY_SECONDS,
    ConsoleMailer,
    MailError,
    Message,
    SmtpMailer,
    mailer_for,
    render,
    sender_of,
)
from tests.conftest import settings_for
from tests.support.clock import NOON
from tests.support.mail import code_in
from tests.support.mailing import eventually, mailing_world
from tests.support.rows import rows_of
from tests.support.service import OPERATOR
from tests.support.smtp import PASSWORD, USER, MailServer, deaf_server, mail_server, parts_of, settings_of

MESSAGE = Message(
    subject="123456 is your FOCYS code", paragraphs=("Enter this.", "<b>Not bold</b>"), console="line", code="123456"
)


@pytest.mark.parametrize(("security", "setting"), [("starttls", None), ("starttls", "starttls"), ("tls", "tls")])
async def test_an_email_is_sent_over_tls_with_authentication(tmp_path: Path, security: str, setting: Any):
    async with mail_server(tmp_path, security=security) as server:
        await SmtpMailer(settings_of(server, smtp_security=setting)).send("alice@student.com", MESSAGE, NOON)

    [message] = server.messages
    assert server.recipients == [["alice@student.com"]]
    assert server.over_tls == [True]
    assert server.logins == [(USER.encode(), PASSWORD.encode())]
    assert message["Subject"] == MESSAGE.subject
    assert (message["From"], message["To"]) == (f"FOCYS <{USER}>", "alice@student.com")
    assert message["Date"] == "Mon, 02 Mar 2026 12:00:00 +0000"
    assert message["Message-ID"].endswith("@mail.example>")
    assert message["Auto-Submitted"] == "auto-generated"


def test_port_465_uses_implicit_tls():
    assert SmtpMailer(settings_of(MailServer(port=465))).security == "tls"
    assert SmtpMailer(settings_of(MailServer(port=587))).security == "starttls"


async def test_a_plain_local_relay_works_if_configured(tmp_path: Path):
    async with mail_server(tmp_path, security="none") as server:
        settings = settings_of(server, smtp_security="none", smtp_user="", smtp_password="", smtp_from="focys@a.test")
        await SmtpMailer(settings).send("alice@student.com", MESSAGE, NOON)

    assert (server.over_tls, server.logins) == ([False], [])
    assert server.messages[0]["From"] == "FOCYS <focys@a.test>"


@pytest.mark.parametrize(
    ("app_name", "sender", "shown"),
    [
        ("Acme", "login@acme.test", "Acme <login@acme.test>"),
        ("Acme, Inc.", "login@acme.test", '"Acme, Inc." <login@acme.test>'),
        ("Bücher", "login@acme.test", "Bücher <login@acme.test>"),
        ("Acme", "Sign-in desk <login@acme.test>", "Sign-in desk <login@acme.test>"),
    ],
)
def test_the_sender_has_a_name(app_name: str, sender: str, shown: str):
    settings = settings_of(MailServer(port=587), app_name=app_name, smtp_from=sender)

    message = render("alice@student.com", MESSAGE, NOON, settings=settings)

    assert message["From"] == shown
    assert message["Message-ID"].endswith("@acme.test>")
    assert sender_of(settings) == "login@acme.test"


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_untrusted_certificate_gets_neither_email_nor_password(tmp_path: Path, security: str):
    """CFG-02: and there is no way back to plain text."""
    async with mail_server(tmp_path, security=security) as server:
        with pytest.raises(MailError):
            await SmtpMailer(settings_of(server, smtp_ca_file=None, smtp_security=security)).send(
                "a@b.test", MESSAGE, NOON
            )

    assert (server.messages, server.logins) == ([], [])


async def test_a_server_without_tls_gets_neither_email_nor_password(tmp_path: Path):
    """A network that strips STARTTLS must not get the password."""
    async with mail_server(tmp_path, security="none") as server:
        with pytest.raises(MailError):
            await SmtpMailer(settings_of(server, smtp_security="starttls")).send("a@b.test", MESSAGE, NOON)

    assert (server.messages, server.logins) == ([], [])


@pytest.mark.parametrize("answer", ["450 later", "550 never", "421 closing", "999 what", "nonsense"])
async def test_an_error_names_its_kind_and_nothing_of_the_email(tmp_path: Path, answer: str):
    async with mail_server(tmp_path) as server:
        server.answers = [f"{answer} for alice@student.com 123456"]
        with pytest.raises(MailError) as refused:
            await SmtpMailer(settings_of(server)).send("alice@student.com", MESSAGE, NOON)

    assert not re.search(r"123456|alice|later|never|s3cret", str(refused.value))


async def test_a_wrong_smtp_password_is_an_error_that_does_not_show_it(tmp_path: Path):
    async with mail_server(tmp_path) as server:
        with pytest.raises(MailError, match="535") as refused:
            await SmtpMailer(settings_of(server, smtp_password="wrong-one")).send("a@b.test", MESSAGE, NOON)

    assert "wrong-one" not in str(refused.value)
    assert server.messages == []


async def test_a_slow_server_is_abandoned_before_the_next_try(
    monkeypatch: pytest.MonkeyPatch,
):
    """AVL-03: each answer may come in time, and the whole still take longer than one try."""
    assert timedelta(seconds=WHOLE_TRY_SECONDS) < ONE_TRY
    monkeypatch.setattr("focys.infra.mail.mailer.WHOLE_TRY_SECONDS", 0.2)
    async with deaf_server() as port:
        settings = settings_of(MailServer(port=port), smtp_host="127.0.0.1")

        with pytest.raises(MailError, match="TimeoutError"):
            await SmtpMailer(settings).send("a@b.test", MESSAGE, NOON)


async def test_a_host_that_does_not_resolve_is_an_error():
    settings = settings_of(MailServer(port=25), smtp_host="no-such-host.invalid")

    with pytest.raises(MailError):
        await SmtpMailer(settings).send("a@b.test", MESSAGE, NOON)


async def test_an_emailed_code_works_and_is_not_printed(
    sqlite_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    async with (
        mail_server(tmp_path) as server,
        mailing_world(
            sqlite_url,
            smtp_host="localhost",
            smtp_port=server.port,
            smtp_user=USER,
            smtp_password=PASSWORD,
            smtp_ca_file=server.ca_file,
        ) as world,
    ):
        account = await world.an_account()
        await world.services.accounts.create("mallory@student.com", "x", OPERATOR, name="<b>Send money</b>")
        browser = world.a_browser("203.0.113.77")
        state = (await browser.sign_in_with_password(account)).json()
        await eventually(world, tries=1)
        while not server.messages:
            await world.services.outbox.deliver_due()
        [message] = server.messages
        text, html = parts_of(message)
        code = message["Subject"].split()[0]

        proven = await browser.post("/auth/email-code/verify", {"code": code})

    assert re.fullmatch(r"[0-9]{6}", code)
    assert proven.json()["step"] == "enroll"
    assert state["sender"] == USER
    for part in (text, html):
        assert code in part
        assert "5 minutes" in part
        assert "203.0.113.77" in part
        assert "12:00 UTC" in part
        assert "keep the code to yourself" in " ".join(part.split())
        assert "Send money" not in part
    printed = "".join(capfd.readouterr())
    assert code not in printed
    assert "Email code for" not in printed


async def test_without_a_mail_server_the_code_is_printed_once(sqlite_url: str, capsys: pytest.CaptureFixture[str]):
    """EOTP-09: the line the guide's reader looks for."""
    async with mailing_world(sqlite_url) as world:
        account = await world.an_account()
        browser = world.a_browser()
        state = (await browser.sign_in_with_password(account)).json()
        row = await eventually(world, tries=1)
        while row.done_at is None:
            [row] = await rows_of(world, outbox)
        [line] = [line for line in capsys.readouterr().out.splitlines() if line]

        proven = await browser.post("/auth/email-code/verify", {"code": code_in(line)})

    assert re.fullmatch(r"Email code for alice@student\.com: [0-9]{6} \(valid 5 minutes\)", line)
    assert proven.json()["step"] == "enroll"
    assert state["sender"] is None


def test_the_console_is_used_only_without_a_mail_server():
    assert isinstance(mailer_for(settings_for("")), ConsoleMailer)
    assert isinstance(mailer_for(settings_of(MailServer(port=25))), SmtpMailer)


@pytest.mark.parametrize(
    ("public_url", "smtp", "warned"),
    [
        ("https://sso.corp.test", {}, True),
        ("https://sso.corp.test", {"smtp_host": "localhost", "smtp_from": "a@b.test"}, False),
        ("http://localhost:8000", {}, False),
    ],
)
async def test_printing_codes_on_a_public_service_logs_one_warning(
    sqlite_url: str, tmp_path: Path, public_url: str, smtp: dict[str, str], *, warned: bool
):
    log = tmp_path / "focys.log"
    async with mailing_world(sqlite_url, public_url=public_url, log_file=log, **smtp):
        pass

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    told = [line for line in lines if line["event"] == "codes_go_to_the_console"]
    assert [line["level"] for line in told] == ["warning"] * warned


async def test_the_console_prints_to_the_stream_it_is_given():
    stream = io.StringIO()

    await ConsoleMailer(stream).send("alice@student.com", MESSAGE, NOON)

    assert stream.getvalue() == "line\n"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


async def test_on_a_terminal_a_code_is_shown_in_a_box(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()

    await ConsoleMailer(terminal).send("alice@student.com", MESSAGE, NOON)

    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    above, top, line, bottom, below = (row.strip() for row in plain.splitlines())
    assert (above, below) == ("", "")
    assert [edge[0] for edge in (top, line, bottom)] == ["╭", "│", "╰"]
    assert line.strip("│ ") == "line"
    assert "\x1b[33m" in terminal.getvalue()


async def test_on_a_terminal_a_notice_without_a_code_is_one_line():
    terminal = Terminal()

    await ConsoleMailer(terminal).send("alice@student.com", replace(MESSAGE, code=None), NOON)

    assert terminal.getvalue() == "line\n"
