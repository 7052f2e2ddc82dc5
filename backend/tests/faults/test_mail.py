"""The mail server makes trouble of every kind: answers are neutral and in time, and emails arrive once it is well."""

import asyncio
from time import monotonic

from sqlalchemy import text

from focys.services import Services
from tests.faults.caller import Caller, Line
from tests.faults.deployed import Deployed
from tests.faults.journeys import LOGIN, TOTP, Journey
from tests.faults.mail import troubled_server
from tests.faults.people import some_people
from tests.faults.report import Tell
from tests.support.service import OPERATOR, PASSWORD

TROUBLES = ["silent", "slow", "421", "hangs up", "550", "certificate of a stranger"]
UNSENT = "SELECT count(*) FROM outbox o JOIN users u ON u.id = o.user_id WHERE u.email LIKE :some AND done_at IS NULL"


async def test_emails_survive_mail_server_failures_and_arrive_once(
    deployed: Deployed, services: Services, line: Line, tell: Tell
):
    """AVL-03, EOTP-09: one email for each trouble, and one while nobody listens at all."""
    hashed = await services.passwords.choose(PASSWORD, "nobody@student.com")
    addresses = [f"mail-{number}@student.com" for number in range(len(TROUBLES) + 1)]
    for address in addresses:
        await services.accounts.create(address, hashed, OPERATOR)
    [other] = await some_people(services, 1, enrolled=True)
    waiting = [Caller(line) for _ in addresses]
    troubles = list(TROUBLES)

    # The first email is written while nobody listens: the connection is refused.
    states = [await first_step(waiting[0], addresses[0])]
    await until_tried(services, addresses[0])
    async with troubled_server(deployed.mail_port, deployed.authority, troubles) as server:
        states += await asyncio.gather(
            *(first_step(caller, address) for caller, address in zip(waiting[1:], addresses[1:], strict=True))
        )
        skipped = [await caller.ask("/auth/mfa/enroll") for caller in waiting]
        guessed = [await caller.ask("/auth/email-code/verify", {"code": "000000"}) for caller in waiting]
        await Journey(other, line).sign_in(TOTP)
        slowest, unsent = line.slowest, await unsent_emails(services)
        began = monotonic()
        await until_sent(services)
        took = monotonic() - began
        codes = {str(email["To"]): email["Subject"].split()[0] for email in server.messages}
        proven = [
            await caller.ask("/auth/email-code/verify", {"code": codes[address]})
            for caller, address in zip(waiting, addresses, strict=True)
        ]

    assert states == ["email_code"] * len(addresses)
    # No response waited for the mail server.
    assert unsent > 0
    assert troubles == []
    assert [response.json()["code"] for response in skipped if response] == ["out_of_turn"] * len(addresses)
    assert [response.json()["code"] for response in guessed if response] == ["invalid_code"] * len(addresses)
    assert [response.json()["step"] for response in proven if response] == ["enroll"] * len(addresses)
    assert line.broken == []
    assert line.unanswered.total() == 0
    arrived = {str(email["To"]) for email in server.messages}
    kept = [email["Message-ID"] for email in server.messages]
    tell(
        f"mail server away, {', '.join(TROUBLES)}: {len(addresses)} emails, every response within {slowest:.1f} s, "
        f"all emails there after {took:.0f} s",
        lost={
            "emails": len(set(addresses) - arrived),
            "emails sent twice": len(kept) - len(set(kept)),
        },
    )


async def first_step(caller: Caller, address: str) -> str:
    response = await caller.ask(LOGIN, {"email": address, "password": PASSWORD})
    assert response is not None
    return str(response.json()["step"])


async def until_tried(services: Services, address: str) -> None:
    """Wait until an email was refused for the first time and is to be tried again."""
    query = text(
        "SELECT count(*) FROM outbox o JOIN users u ON u.id = o.user_id "
        "WHERE u.email = :address AND tries = 1 AND due_at < now() + interval '30 seconds'"
    )
    async with asyncio.timeout(90):
        while True:
            async with services.database.engine.connect() as connection:
                if (await connection.execute(query, {"address": address})).scalar_one():
                    return
            await asyncio.sleep(0.05)


async def until_sent(services: Services) -> None:
    """Wait until every email has left."""
    async with asyncio.timeout(90):
        while True:
            if not await unsent_emails(services):
                return
            await asyncio.sleep(0.1)


async def unsent_emails(services: Services) -> int:
    async with services.database.engine.connect() as connection:
        return int((await connection.execute(text(UNSENT), {"some": "mail-%"})).scalar_one())
