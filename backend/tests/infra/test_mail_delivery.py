"""Emails that wait, are tried again, and are sent once."""

import asyncio
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from focys.features.outbox import outbox
from focys.infra.mail.kinds import MailContext, MailKind
from focys.infra.mail.mailer import Message
from tests.support.mailing import all_sent, eventually, mailing_world
from tests.support.rows import rows_of
from tests.support.service import ADDRESS
from tests.support.smtp import PASSWORD, USER, mail_server


async def test_an_email_sent_twice_has_the_same_message_id(sqlite_url: str, tmp_path: Path):
    """AVL-03: a worker may be killed between the server's yes and the note of it."""
    async with mail_server(tmp_path) as server:
        login = {"smtp_user": USER, "smtp_password": PASSWORD, "smtp_ca_file": server.ca_file}
        async with mailing_world(sqlite_url, smtp_host="localhost", smtp_port=server.port, **login) as world:
            for address in ("alice@student.com", "bob@student.com"):
                await world.a_browser().sign_in_with_password(await world.an_account(address))
                await eventually(world, tries=1)
            await all_sent(world)

            async with world.services.database.engine.begin() as connection:
                await connection.execute(outbox.update().values(done_at=None, due_at=world.clock.now()))
            await all_sent(world)

    keys = [(message["To"], message["Message-ID"]) for message in server.messages]
    assert sorted(keys[:2]) == sorted(keys[2:])
    assert len({key for _, key in keys}) == 2


async def test_an_email_is_retried_with_growing_pauses(sqlite_url: str, tmp_path: Path):
    """AVL-03: a refusal is logged without the email, and what is sent at last is the code that is asked for."""
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
            await all_sent(world)
            code = server.messages[0]["Subject"].split()[0]

            proven = await browser.post("/auth/email-code/verify", {"code": code})

    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1]
    assert sum(pauses) < 300, "or the code would be dead before its email"
    assert proven.json()["step"] == "enroll"
    text = log.read_text()
    refused = [json.loads(line) for line in text.splitlines() if "mail_refused" in line]
    assert [line["tries"] for line in refused] == [1, 2, 3]
    assert all("450" in line["cause"] for line in refused)
    assert not re.search(rf"(?<![0-9.]){code}(?![0-9])|{account.email}|{PASSWORD}", text)


async def test_an_outdated_email_is_given_up(sqlite_url: str, tmp_path: Path, monkeypatch):
    """AVL-03: nobody gets a dead code."""
    monkeypatch.setattr("focys.running.LAST_ROUND_SECONDS", 0.1)
    async with mailing_world(sqlite_url, smtp_host="127.0.0.1", smtp_port=1, smtp_from="a@b.test") as world:
        account = await world.an_account()
        await world.a_browser().sign_in_with_password(account)
        await eventually(world, tries=1)

        world.clock.advance(minutes=6)
        await eventually(world, tries=2)

        await all_sent(world)
        [row] = await rows_of(world, outbox)
        assert row.done_at - row.created_at == timedelta(minutes=6)


async def test_an_unknown_kind_of_email_waits_a_day(sqlite_url: str):
    """After a rollback the newer version's emails are still there, and mean nothing to the older one."""
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

        await all_sent(world)
    assert waiting.done_at is None


@dataclass(frozen=True)
class BrokenFor:
    """A kind of email that cannot be written to one address."""

    address: str
    usual: MailKind
    kind: str = "email_code"

    def render(self, context: MailContext) -> Message | None:
        return Message("x\r\ny", (), "") if context.to == self.address else self.usual.render(context)


async def test_one_broken_email_does_not_delay_the_others(sqlite_url: str, tmp_path: Path):
    async with mail_server(tmp_path) as server:
        login = {"smtp_user": USER, "smtp_password": PASSWORD, "smtp_ca_file": server.ca_file}
        async with mailing_world(sqlite_url, smtp_host="localhost", smtp_port=server.port, **login) as world:
            kinds = world.services.outbox.kinds
            kinds["email_code"] = BrokenFor(ADDRESS, kinds["email_code"])
            await world.a_browser().sign_in_with_password(await world.an_account(ADDRESS))
            await world.a_browser().sign_in_with_password(await world.an_account("bob@student.com"))

            while not server.messages:
                try:
                    await world.services.outbox.deliver_due()
                except ValueError:
                    world.clock.advance(seconds=1)
                await asyncio.sleep(0.01)

    assert {message["To"] for message in server.messages} == {"bob@student.com"}


async def test_concurrent_senders_send_an_email_once(sqlite_url: str, tmp_path: Path):
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
            await all_sent(world)

    assert len(server.messages) == 1
