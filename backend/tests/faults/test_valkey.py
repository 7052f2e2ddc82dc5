"""Valkey is lost during an attack: the limits of an account stay exact, and those of a network are never per process."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import text

from focys.services import Services
from tests.faults.caller import Caller, Line
from tests.faults.deployed import Deployed
from tests.faults.journeys import LOGIN, TOTP
from tests.faults.people import some_people
from tests.faults.report import Tell
from tests.support.service import PASSWORD, Account
from tests.support.workers import wrong_codes

GUESSES = 40
ACCOUNTS_PER_SOURCE = 20


# Emptied first: after an outage the workers leave it alone for a while, and come back to it one by one.
@pytest.fixture(params=["emptied", "stopped", "frozen"])
def trouble(request: pytest.FixtureRequest, deployed: Deployed) -> Iterator[str]:
    """What happens to it; afterwards it is there again, and empty."""
    deployed.valkey.ask("FLUSHALL")
    yield request.param
    deployed.valkey.stop()
    deployed.valkey.start()


async def test_losing_valkey_gains_an_attacker_nothing(
    deployed: Deployed, services: Services, line: Line, tell: Tell, trouble: str
):
    """AVL-02, LOCK-01, LOCK-12: five codes of an account are examined, and twenty accounts per network are tried."""
    [person] = await some_people(services, 1, enrolled=True)
    account = Account(person.id, person.email, PASSWORD, person.secret)
    attacker = Caller(line)
    await attacker.ask(LOGIN, {"email": person.email, "password": PASSWORD})
    guesses = wrong_codes(account, GUESSES)

    told = [await attacker.ask(TOTP, {"code": guess}) for guess in guesses[:2]]
    before = await tried(Caller(line), 3, trouble)
    harm(deployed, trouble)
    told += await asyncio.gather(*(attacker.ask(TOTP, {"code": guess}) for guess in guesses[2:]))
    alone = Caller(line)
    after = await tried(alone, 2 * ACCOUNTS_PER_SOURCE, trouble)

    codes = Counter(response.json()["code"] for response in told if response is not None)
    async with services.database.engine.connect() as connection:
        query = text("SELECT count(*) FROM second_factor_failures WHERE user_id = :user")
        examined = int((await connection.execute(query, {"user": person.id})).scalar_one())
    assert before == {"invalid_credentials": 3}
    assert set(codes) <= {"invalid_code", "account_locked", "throttled"}
    assert codes.total() == GUESSES
    assert line.broken == []
    assert line.unavailable.total() == 0
    tell(
        f"Valkey {trouble} during an attack: {GUESSES} codes offered, {examined} examined; "
        f"{2 * ACCOUNTS_PER_SOURCE} accounts tried from one network, {after['invalid_credentials']} looked at; "
        f"every response within {line.slowest:.1f} s",
        lost={
            "codes examined beyond five": examined - 5,
            "accounts looked at beyond twenty": after["invalid_credentials"] - ACCOUNTS_PER_SOURCE,
        },
    )


async def tried(caller: Caller, accounts: int, about: str) -> Counter[str]:
    """Try so many accounts from one network, one after the other, and return what was said."""
    said: Counter[str] = Counter()
    for number in range(accounts):
        response = await caller.ask(
            LOGIN, {"email": f"{about}-{number}-{caller.source}@student.com", "password": "wrong"}
        )
        assert isinstance(response, httpx.Response)
        said[response.json()["code"]] += 1
    return said


def harm(deployed: Deployed, trouble: str) -> None:
    match trouble:
        case "stopped":
            deployed.valkey.stop()
        case "frozen":
            deployed.valkey.pause()
        case _:
            assert deployed.valkey.ask("FLUSHALL").startswith("+OK")
