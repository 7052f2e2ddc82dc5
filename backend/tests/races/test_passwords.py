"""Wrong passwords at the same moment: the limits hold to the number."""

from asyncio import gather
from uuid import UUID, uuid4

import httpx
import pytest

from tests.support.service import PASSWORD
from tests.support.workers import RemoteBrowser, Workers, tally

EXAMINED = "SELECT count(*) FROM audit_events WHERE event = 'password' AND reason = 'invalid_credentials' AND "


async def guess(browser: RemoteBrowser, email: str, number: int) -> httpx.Response:
    return await browser.post("/auth/login", {"email": email, "password": f"wrong-password-{number}"})


@pytest.mark.parametrize("known", [True, False], ids=["known address", "unknown address"])
async def test_five_of_forty_parallel_passwords_are_compared(workers: Workers, known: bool):  # noqa: FBT001
    account = await workers.an_account()
    email = account.email if known else f"{uuid4().hex}@student.com"
    attacker = workers.a_browser()

    responses = await gather(*(guess(attacker, email, i) for i in range(40)))
    right = await attacker.post("/auth/login", {"email": email, "password": PASSWORD})

    told = tally(responses)
    assert told["invalid_credentials"] == 5
    assert set(told) == {"invalid_credentials", "throttled"}
    assert right.json()["code"] == "throttled"
    assert await examined(workers, attacker, account.id if known else None) == 5


async def test_thirty_of_a_networks_parallel_passwords_are_compared(workers: Workers):
    """LOCK-10: thirty failures."""
    attacker = workers.a_browser()
    addresses = [f"{uuid4().hex}@student.com" for _ in range(12)]

    responses = await gather(*(guess(attacker, addresses[i % 12], i) for i in range(60)))
    owner = await workers.an_account(enrolled=True)
    elsewhere = await workers.at_second_factor(owner)

    assert tally(responses)["invalid_credentials"] <= 30
    assert set(tally(responses)) == {"invalid_credentials", "throttled"}
    assert await examined(workers, attacker) == tally(responses)["invalid_credentials"]
    later = [(await guess(attacker, f"{uuid4().hex}@student.com", 0)).json()["code"] for _ in range(30)]
    assert later[-1] == "throttled"
    assert await examined(workers, attacker) <= 30
    assert len(elsewhere) == 1


async def test_twenty_of_forty_accounts_tried_at_once_are_compared(workers: Workers):
    """LOCK-10: over four workers, known and unknown addresses mixed, and again in the next burst."""
    attacker = workers.a_browser()
    known = [(await workers.an_account()).email for _ in range(10)]
    addresses = [*known, *(f"{uuid4().hex}@student.com" for _ in range(30))]

    responses = await gather(*(guess(attacker, address, 0) for address in addresses))
    again = await gather(*(guess(attacker, address, 1) for address in addresses))

    assert tally(responses)["invalid_credentials"] <= 20
    assert tally(again).get("invalid_credentials", 0) <= 30 - tally(responses)["invalid_credentials"]
    assert set(tally(responses)) == {"invalid_credentials", "throttled"}
    assert await accounts_listed(workers, attacker) <= 20


async def test_thirty_people_of_a_network_mistype_at_once_and_all_sign_in(workers: Workers):
    """LOCK-10: ten at a time, as at nine o'clock; a refused one works a second later."""
    school = workers.a_browser().source
    pupils = [await workers.an_account() for _ in range(30)]

    for i in range(0, 30, 10):
        some = pupils[i : i + 10]
        await gather(*(guess(workers.a_browser(school), pupil.email, 0) for pupil in some))
        steps = await gather(*(workers.a_browser(school).sign_in_with_password(pupil) for pupil in some))
        assert {*steps} == {"email_code"}

    assert await accounts_listed(workers, workers.a_browser(school)) == 0


async def test_the_owner_signs_in_from_a_known_browser_while_others_guess(workers: Workers):
    account = await workers.an_account(enrolled=True)
    (owner,) = await workers.at_second_factor(account)
    entry = {"code": account.backup_codes[0]}
    assert (await owner.post("/auth/backup-code/verify", entry)).is_success
    attackers = [workers.a_browser(owner.source) for _ in range(4)]

    guesses = gather(*(guess(attackers[i % 4], account.email, i) for i in range(40)))
    during = await owner.sign_in_with_password(account)
    told = tally(await guesses)

    assert during == "totp"
    assert told["invalid_credentials"] <= 6
    assert await owner.sign_in_with_password(account) == "totp"


async def examined(workers: Workers, attacker: RemoteBrowser, user: UUID | None = None) -> int:
    """How many of the source's passwords were looked at, by the audit trail."""
    who = "user_id = :user" if user else "user_id IS NULL"
    parameters = {"source": attacker.source, **({"user": user} if user else {})}
    return int(await workers.scalar(f"{EXAMINED} {who} AND source = :source", **parameters))


async def accounts_listed(workers: Workers, browser: RemoteBrowser) -> int:
    """How many accounts the source's set holds."""
    query = "SELECT coalesce(max(hits), 0) FROM throttles WHERE key = :key"
    return int(await workers.scalar(query, key=f"source-accounts/{browser.source}"))
