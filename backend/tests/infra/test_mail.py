"""Mail by a real server, by none, and by one that makes trouble."""

import io
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgi_lifespan import LifespanManager

from focys.app import create_app
from focys.features.outbox import outbox
from focys.features.outbox.service import ONE_TRY
from focys.infra.mailer import WHOLE_TRY_SECONDS, ConsoleMailer, Letter, MailError, SmtpMailer, mailer_for
from tests.conftest import settings_for
from tests.support.clock import NOON, FrozenClock
from tests.support.mail import KeptMail, code_in
from tests.support.rows import rows_of
from tests.support.service import OPERATOR, World
from tests.support.smtp import PASSWORD, USER, MailServer, deaf_server, mail_server, parts_of, settings_of

LETTER = Letter(
    subject="123456 is your FOCYS code", paragraphs=("Enter this.", "<b>Not bold</b>"), console="line", code="123456"
)


@asynccontextmanager
async def mailing_world(url: str, **settings: Any) -> AsyncIterator[World]:
    """The service with the mailer that its settings ask for."""
    clock = FrozenClock()
    app = create_app(settings_for(url, **settings), clock=clock)
    async with LifespanManager(app, startup_timeout=20):
        yield World(app, app.state.services, clock, KeptMail())


async def eventually(world: World, *, tries: int) -> Any:
    """The first letter's row, once that many tries are over; the deliverer runs beside the test."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        rows = await rows_of(world, outbox)
        is_over = rows and (rows[0].done_at or rows[0].due_at - world.clock.now() != ONE_TRY)
        if rows and rows[0].tries >= tries and is_over:
            return rows[0]
        await world.services.outbox.deliver_due()
    raise AssertionError("the letter was not tried")


@pytest.mark.parametrize(("security", "setting"), [("starttls", None), ("starttls", "starttls"), ("tls", "tls")])
async def test_a_letter_arrives_over_tls_by_a_server_that_asks_for_a_login(tmp_path: Path, security: str, setting: Any):
    async with mail_server(tmp_path, security=security) as server:
        await SmtpMailer(settings_of(server, smtp_security=setting)).send("alice@student.com", LETTER, NOON)

    [message] = server.messages
    assert server.recipients == [["alice@student.com"]]
    assert server.over_tls == [True]
    assert server.logins == [(USER.encode(), PASSWORD.encode())]
    assert message["Subject"] == LETTER.subject
    assert (message["From"], message["To"]) == (USER, "alice@student.com")
    assert message["Date"] == "Mon, 02 Mar 2026 12:00:00 +0000"
    assert message["Message-ID"].endswith("@mail.example>")
    assert message["Auto-Submitted"] == "auto-generated"


def test_port_465_speaks_tls_from_the_first_byte():
    assert SmtpMailer(settings_of(MailServer(port=465)))._security == "tls"
    assert SmtpMailer(settings_of(MailServer(port=587)))._security == "starttls"


async def test_a_local_relay_without_tls_or_login_works_when_it_is_asked_for(tmp_path: Path):
    async with mail_server(tmp_path, security="none") as server:
        settings = settings_of(server, smtp_security="none", smtp_user="", smtp_password="", smtp_from="focys@a.test")
        await SmtpMailer(settings).send("alice@student.com", LETTER, NOON)

    assert (server.over_tls, server.logins) == ([False], [])
    assert server.messages[0]["From"] == "focys@a.test"


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_with_a_certificate_of_an_unknown_authority_gets_neither_letter_nor_password(
    tmp_path: Path, security: str
):
    """CFG-02: and there is no way back to plain text."""
    async with mail_server(tmp_path, security=security) as server:
        with pytest.raises(MailError):
            await SmtpMailer(settings_of(server, smtp_ca_file=None, smtp_security=security)).send(
                "a@b.test", LETTER, NOON
            )

    assert (server.messages, server.logins) == ([], [])


async def test_a_server_that_offers_no_tls_gets_neither_letter_nor_password(tmp_path: Path):
    """A network that strips STARTTLS must not get the password."""
    async with mail_server(tmp_path, security="none") as server:
        with pytest.raises(MailError):
            await SmtpMailer(settings_of(server, smtp_security="starttls")).send("a@b.test", LETTER, NOON)

    assert (server.messages, server.logins) == ([], [])


@pytest.mark.parametrize("answer", ["450 later", "550 never", "421 closing", "999 what", "nonsense"])
async def test_a_refusal_names_its_kind_and_nothing_of_the_letter(tmp_path: Path, answer: str):
    """LOG-02."""
    async with mail_server(tmp_path) as server:
        server.answers = [f"{answer} for alice@student.com 123456"]
        with pytest.raises(MailError) as refused:
            await SmtpMailer(settings_of(server)).send("alice@student.com", LETTER, NOON)

    assert not re.search(r"123456|alice|later|never|s3cret", str(refused.value))


async def test_a_wrong_password_of_ours_is_a_refusal_that_does_not_show_it(tmp_path: Path):
    async with mail_server(tmp_path) as server:
        with pytest.raises(MailError, match="535") as refused:
            await SmtpMailer(settings_of(server, smtp_password="wrong-one")).send("a@b.test", LETTER, NOON)

    assert "wrong-one" not in str(refused.value)
    assert server.messages == []


async def test_a_server_that_is_slow_at_every_word_is_left_before_another_worker_tries_the_letter(
    monkeypatch: pytest.MonkeyPatch,
):
    """AVL-03: each answer may come in time, and the whole still take longer than one try."""
    assert timedelta(seconds=WHOLE_TRY_SECONDS) < ONE_TRY
    monkeypatch.setattr("focys.infra.mailer.WHOLE_TRY_SECONDS", 0.2)
    async with deaf_server() as port:
        settings = settings_of(MailServer(port=port), smtp_host="127.0.0.1")

        with pytest.raises(MailError, match="TimeoutError"):
            await SmtpMailer(settings).send("a@b.test", LETTER, NOON)


async def test_a_name_that_does_not_resolve_is_a_refusal():
    settings = settings_of(MailServer(port=25), smtp_host="no-such-host.invalid")

    with pytest.raises(MailError):
        await SmtpMailer(settings).send("a@b.test", LETTER, NOON)


async def test_the_first_sign_in_mails_a_code_that_works_and_nothing_reaches_the_console(
    sqlite_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    """EOTP-09, EOTP-10."""
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
    assert "E-mail code for" not in printed


async def test_without_a_mail_server_the_console_shows_one_plain_line(
    sqlite_url: str, capsys: pytest.CaptureFixture[str]
):
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

    assert re.fullmatch(r"E-mail code for alice@student\.com: [0-9]{6} \(valid 5 minutes\)", line)
    assert proven.json()["step"] == "enroll"
    assert state["sender"] is None


def test_the_console_stands_in_only_where_no_host_is_set():
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
async def test_one_loud_warning_when_the_public_service_prints_its_codes(
    sqlite_url: str, tmp_path: Path, public_url: str, smtp: dict[str, str], *, warned: bool
):
    """EOTP-09."""
    log = tmp_path / "focys.log"
    async with mailing_world(sqlite_url, public_url=public_url, log_file=log, **smtp):
        pass

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    told = [line for line in lines if line["event"] == "codes_go_to_the_console"]
    assert [line["level"] for line in told] == ["warning"] * warned


async def test_the_console_prints_to_the_stream_it_is_given():
    stream = io.StringIO()

    await ConsoleMailer(stream).send("alice@student.com", LETTER, NOON)

    assert stream.getvalue() == "line\n"


@pytest.mark.parametrize("trouble", ["refusing", "deaf", "slow", "rude"])
async def test_trouble_with_mail_delays_no_answer_and_skips_no_step(
    sqlite_url: str, tmp_path: Path, trouble: str, monkeypatch
):
    """AVL-03."""
    monkeypatch.setattr("focys.app.LAST_ROUND_SECONDS", 0.1)
    async with mail_server(tmp_path) as server, deaf_server() as deaf:
        server.wait = 30 if trouble == "slow" else 0
        server.answers = ["554 go away"] * 9 if trouble == "rude" else []
        port = {"refusing": 1, "deaf": deaf}.get(trouble, server.port)
        login = {"smtp_user": USER, "smtp_password": PASSWORD, "smtp_ca_file": server.ca_file}
        host = {"smtp_host": "localhost" if trouble in {"slow", "rude"} else "127.0.0.1", "smtp_port": port}
        async with mailing_world(sqlite_url, **login, **host) as world:
            account = await world.an_account()
            browser = world.a_browser()

            began = time.monotonic()
            answer = await browser.sign_in_with_password(account)
            took = time.monotonic() - began
            enrol = await browser.post("/auth/mfa/enroll")
            wrong = await browser.post("/auth/email-code/verify", {"code": "000000"})

            assert answer.status_code == 200
            assert answer.json()["step"] == "email_code"
            assert took < 2
            assert enrol.json()["code"] == "out_of_turn"
            assert wrong.json()["code"] == "invalid_code"
    assert server.messages == []


async def test_a_letter_that_left_twice_is_known_as_one_by_its_message_id(sqlite_url: str, tmp_path: Path):
    """AVL-03: a worker may be killed between the server's yes and the note of it."""
    async with mail_server(tmp_path) as server:
        login = {"smtp_user": USER, "smtp_password": PASSWORD, "smtp_ca_file": server.ca_file}
        async with mailing_world(sqlite_url, smtp_host="localhost", smtp_port=server.port, **login) as world:
            for address in ("alice@student.com", "bob@student.com"):
                await world.a_browser().sign_in_with_password(await world.an_account(address))
                await eventually(world, tries=1)
            while len(server.messages) < 2:
                await world.services.outbox.deliver_due()

            async with world.services.database.engine.begin() as connection:
                await connection.execute(outbox.update().values(done_at=None, due_at=world.clock.now()))
            while len(server.messages) < 4:
                await world.services.outbox.deliver_due()

    keys = [(message["To"], message["Message-ID"]) for message in server.messages]
    assert sorted(keys[:2]) == sorted(keys[2:])
    assert len({key for _, key in keys}) == 2


async def test_a_letter_is_tried_again_with_growing_pauses_until_it_leaves(sqlite_url: str, tmp_path: Path):
    """AVL-03: a refusal is logged without the letter, and what is sent at last is the code that is asked for."""
    log = tmp_path / "focys.log"
    async with mail_server(tmp_path) as server:
        server.answers = ["450 later"] * 3
        login = {"smtp_user": USER, "smtp_password": PASSWORD, "smtp_ca_file": server.ca_file}
        async with mailing_world(
            sqlite_url, smtp_host="localhost", smtp_port=server.port, log_file=log, **login
        ) as world:
            account = await world.an_account()
            browser = world.a_browser()
            await browser.sign_in_with_password(account)
            pauses = []
            for tries in (1, 2, 3):
                row = await eventually(world, tries=tries)
                pauses.append((row.due_at - world.clock.now()).total_seconds())
                assert await world.services.outbox.deliver_due() == 0, "not before its time"
                world.clock.moment = row.due_at
            await eventually(world, tries=4)
            while not server.messages:
                await world.services.outbox.deliver_due()
            code = server.messages[0]["Subject"].split()[0]

            proven = await browser.post("/auth/email-code/verify", {"code": code})

    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1]
    assert sum(pauses) < 300, "or the code would be dead before its letter"
    assert proven.json()["step"] == "enroll"
    text = log.read_text()
    refused = [json.loads(line) for line in text.splitlines() if "mail_refused" in line]
    assert [line["tries"] for line in refused] == [1, 2, 3]
    assert all("450" in line["cause"] for line in refused)
    assert not re.search(rf"(?<![0-9.]){code}(?![0-9])|{account.email}|{PASSWORD}", text)


async def test_a_letter_that_comes_too_late_is_given_up(sqlite_url: str, tmp_path: Path, monkeypatch):
    """AVL-03: nobody gets a dead code."""
    monkeypatch.setattr("focys.app.LAST_ROUND_SECONDS", 0.1)
    async with mailing_world(sqlite_url, smtp_host="127.0.0.1", smtp_port=1, smtp_from="a@b.test") as world:
        account = await world.an_account()
        await world.a_browser().sign_in_with_password(account)
        await eventually(world, tries=1)

        world.clock.advance(minutes=6)
        await eventually(world, tries=2)

        [row] = await rows_of(world, outbox)
        while row.done_at is None:
            [row] = await rows_of(world, outbox)
        assert row.done_at - row.created_at == timedelta(minutes=6)


async def test_a_letter_of_another_version_waits_for_it_and_is_given_up_after_a_day(sqlite_url: str):
    """After a rollback the newer version's letters are still there, and mean nothing to the older one."""
    async with mailing_world(sqlite_url) as world:
        await world.a_browser().sign_in_with_password(await world.an_account())
        await eventually(world, tries=1)
        async with world.services.database.engine.begin() as connection:
            await connection.execute(
                outbox.update().values(kind="of tomorrow", done_at=None, due_at=world.clock.now(), tries=0)
            )

        await eventually(world, tries=1)
        [waiting] = await rows_of(world, outbox)
        world.clock.advance(hours=24, seconds=1)
        await eventually(world, tries=2)

        [row] = await rows_of(world, outbox)
        while row.done_at is None:
            [row] = await rows_of(world, outbox)
    assert waiting.done_at is None


async def test_one_letter_that_cannot_be_written_does_not_hold_up_the_others(sqlite_url: str, tmp_path: Path):
    """AVL-03."""
    async with mail_server(tmp_path) as server:
        login = {"smtp_user": USER, "smtp_password": PASSWORD, "smtp_ca_file": server.ca_file}
        async with mailing_world(sqlite_url, smtp_host="localhost", smtp_port=server.port, **login) as world:
            first = await world.an_account()
            second = await world.an_account("bob@student.com")
            await world.a_browser().sign_in_with_password(first)
            await eventually(world, tries=1)
            broken = world.services.outbox._composers["email_code"]
            composers = dict(world.services.outbox._composers)
            composers["email_code"] = lambda waiting: (
                Letter("x\r\ny", (), "") if waiting.address == first.email else broken(waiting)
            )
            world.services.outbox._composers = composers
            server.messages.clear()
            world.clock.advance(seconds=61)
            await world.a_browser().sign_in_with_password(first)
            await world.a_browser().sign_in_with_password(second)

            deadline = time.monotonic() + 8
            while not any(message["To"] == second.email for message in server.messages):
                assert time.monotonic() < deadline
                try:
                    await world.services.outbox.deliver_due()
                except ValueError:
                    world.clock.advance(seconds=1)


async def test_a_letter_is_sent_once_however_many_deliver(sqlite_url: str, tmp_path: Path):
    """AVL-03: a slow server must not make another worker send it again."""
    async with mail_server(tmp_path) as server:
        server.wait = 0.3
        login = {"smtp_user": USER, "smtp_password": PASSWORD, "smtp_ca_file": server.ca_file}
        async with mailing_world(sqlite_url, smtp_host="localhost", smtp_port=server.port, **login) as world:
            account = await world.an_account()
            await world.a_browser().sign_in_with_password(account)
            await eventually(world, tries=1)
            # Six seconds pass for the other workers while the server thinks.
            world.clock.advance(seconds=6)
            await world.services.outbox.deliver_due()
            row: Any = None
            while row is None or row.done_at is None:
                [row] = await rows_of(world, outbox)

    assert len(server.messages) == 1
