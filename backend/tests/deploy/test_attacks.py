"""Attacks through nginx on four workers, each many times over; what was examined is counted in the ledger and the audit."""

import asyncio
import os
import signal
import time
from asyncio import gather
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from uuid import uuid4

import pytest

from focys.services import build_services
from tests.conftest import settings_for
from tests.deploy.attacker import Answer, Challenge, a_source, forged
from tests.deploy.stack import Stack
from tests.faults.report import Tell
from tests.support.service import PASSWORD, Account
from tests.support.workers import Workers, code_of, wrong_codes

TIMES = 50
AT_ONCE = 5
WORKERS = 4
EXAMINED = "SELECT count(*) FROM audit_events WHERE user_id = :user AND event = 'TOTP'"
SOURCES = "SELECT string_agg(DISTINCT source, ' ') FROM audit_events WHERE user_id = :user AND event = 'TOTP'"
FAILED_FROM = "SELECT count(*) FROM audit_events WHERE event = 'password' AND outcome = 'refused' AND source = :source"
RESTART_SECONDS = 60


class Attack:
    """The service from outside, and its ledgers."""

    def __init__(self, stack: Stack, workers: Workers) -> None:
        self.stack, self._workers, self._trust = stack, workers, stack.front.trust()

    def a_challenge(self) -> Challenge:
        return Challenge(self.stack.front, self._trust)

    async def an_account(self) -> Account:
        return await self._workers.an_account(enrolled=True)

    async def challenges(self, account: Account, number: int, *, source: str | None = None) -> list[Challenge]:
        """So many logins of an account at its second factor, from an address each."""
        found = [self.a_challenge() for _ in range(number)]
        begun = await gather(*(password(challenge, account, source=source) for challenge in found))
        assert tally(begun) == {"totp": number}
        return found

    async def examined(self, account: Account) -> int:
        """How many codes were looked at: the audit has each, and the ledger those that were wrong."""
        looked_at = int(await self._workers.scalar(EXAMINED, user=account.id))
        good = await self._workers.rows_of("audit_events", account.id, "event = 'TOTP' AND outcome = 'ok'")
        assert await self._workers.rows_of("second_factor_failures", account.id) == looked_at - good
        return looked_at

    async def sessions(self, account: Account) -> int:
        return await self._workers.rows_of("sessions", account.id)

    async def scalar(self, sql: str, **parameters: object) -> object:
        return await self._workers.scalar(sql, **parameters)


@pytest.fixture
async def attack(stack: Stack) -> AsyncIterator[Attack]:
    # Cheap hashes for the accounts: the service makes real ones of them at the first sign-in.
    workers = Workers([stack.gunicorn], build_services(settings_for(stack.database_url)))
    yield Attack(stack, workers)
    await workers.close()


async def password(challenge: Challenge, account: Account, *, source: str | None = None) -> Answer:
    body = {"email": account.email, "password": account.password}
    return await challenge.post("/auth/login", body, source=source)


async def offer(challenge: Challenge, code: str, *, source: str | None = None, lie: bool = False) -> Answer:
    headers = forged() if lie else None
    return await challenge.post("/auth/totp/verify", {"code": code}, source=source, headers=headers)


def tally(responses: Iterable[Answer]) -> Counter[str]:
    return Counter(response.told for response in responses)


async def many_times(work: Callable[[], Awaitable[None]], times: int = TIMES) -> None:
    """Repeat, a few at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def once() -> None:
        async with gate:
            await work()

    async with asyncio.TaskGroup() as group:
        for _ in range(times):
            group.create_task(once())


async def test_five_of_forty_wrong_codes_are_examined(attack: Attack, tell: Tell):
    examined, opened, freed = Counter[int](), 0, 0

    async def once() -> None:
        nonlocal opened, freed
        account = await attack.an_account()
        challenges = await attack.challenges(account, 5)
        guesses = wrong_codes(account, 40)
        responses = await gather(*(offer(challenges[i % 5], guess) for i, guess in enumerate(guesses)))
        assert set(tally(responses)) <= {"invalid_code", "account_locked", "throttled"}
        right = await offer(challenges[0], code_of(account))
        examined[await attack.examined(account)] += 1
        opened += await attack.sessions(account)
        freed += right.told != "account_locked"

    await many_times(once)

    assert sum(examined.values()) == TIMES
    beyond = sum(max(0, number - 5) * times for number, times in examined.items())
    assert examined[5] == TIMES, examined
    tell(
        f"{TIMES} times 40 wrong codes over fresh connections, four workers behind nginx: 5 examined each time",
        lost={"codes examined beyond five": beyond, "sessions opened": opened, "locks opened": freed},
    )


async def test_a_restart_lifts_no_lock(attack: Attack, tell: Tell):
    """LOCK-01: after three wrong codes and after the fifth, by crash, reload and restart."""
    ends = {
        "kill -9 of every worker": kill_workers,
        "HUP": reload,
        "stop and start": stop_and_start,
        "kill -9 of gunicorn and its workers": crash_and_start,
        "kill -9 of every worker, again": kill_workers,
    }
    freed, opened, beyond = 0, 0, 0
    for end in ends.values():
        accounts = [await attack.an_account() for _ in range(TIMES // len(ends))]
        challenges = [(await attack.challenges(account, 1))[0] for account in accounts]
        guesses = [wrong_codes(account, 6) for account in accounts]
        before = await gather(*(_offer_each(one, codes[:3]) for one, codes in zip(challenges, guesses, strict=True)))
        await end(attack)
        after = await gather(*(_offer_each(one, codes[3:]) for one, codes in zip(challenges, guesses, strict=True)))
        await end(attack)
        right = await gather(*(offer(one, code_of(a)) for one, a in zip(challenges, accounts, strict=True)))

        assert all(told == ["invalid_code"] * 3 for told in before), before
        freed += sum(told != ["invalid_code", "account_locked", "account_locked"] for told in after)
        freed += sum(response.told != "account_locked" for response in right)
        opened += sum([await attack.sessions(account) for account in accounts])
        beyond += sum([await attack.examined(account) - 5 for account in accounts])

    tell(
        f"{TIMES} accounts, each with a restart after the third wrong code and another after the lock: {', '.join(ends)}",
        lost={"accounts freed": freed, "sessions opened": opened, "codes examined beyond five": beyond},
    )


async def _offer_each(challenge: Challenge, codes: list[str]) -> list[str]:
    return [(await offer(challenge, code)).told for code in codes]


async def test_forged_forwarded_headers_evade_no_limit(attack: Attack, tell: Tell):
    """LOCK-10, CFG-03: another address in every header of every request, and none is believed."""
    freed, believed, unlimited, harmed = 0, 0, 0, 0

    async def once() -> None:
        nonlocal freed, believed, unlimited, harmed
        source, account = a_source(), await attack.an_account()
        (challenge,) = await attack.challenges(account, 1, source=source)
        guesses = [await offer(challenge, code, source=source, lie=True) for code in wrong_codes(account, 8)]
        right = await offer(challenge, code_of(account), source=source, lie=True)
        freed += [response.told for response in guesses] != ["invalid_code"] * 4 + ["account_locked"] * 4
        freed += right.told != "account_locked"
        assert await attack.examined(account) == 5
        believed += await attack.scalar(SOURCES, user=account.id) != source

        sprayed = [await spray(attack, source) for _ in range(20)]
        assert tally(sprayed) == {"invalid_credentials": 20}
        unlimited += (await spray(attack, source)).told != "throttled"
        unlimited += (await password(attack.a_challenge(), account, source=source)).told != "throttled"
        harmed += (await password(attack.a_challenge(), account)).told != "totp"
        assert await attack.scalar(FAILED_FROM, source=source) == 20

    await many_times(once)

    tell(
        f"{TIMES} times forged X-Forwarded-For, Forwarded, X-Real-IP, CF-Connecting-IP, another one in each request",
        lost={
            "accounts freed": freed,
            "forged addresses recorded": believed,
            "sources that tried a 21st account": unlimited,
            "neighbors refused": harmed,
        },
    )


async def test_a_network_has_thirty_wrong_passwords_whatever_its_headers_say(attack: Attack):
    source, targets = a_source(), [f"{uuid4().hex}@example.com" for _ in range(8)]

    tried = [await spray(attack, source, targets[i % 8]) for i in range(31)]

    assert [response.told for response in tried] == ["invalid_credentials"] * 30 + ["throttled"]


async def spray(attack: Attack, source: str, email: str | None = None) -> Answer:
    """A wrong password for somebody who is not there."""
    body = {"email": email or f"{uuid4().hex}@example.com", "password": PASSWORD}
    return await attack.a_challenge().post("/auth/login", body, source=source, headers=forged())


async def test_one_valid_code_in_twenty_logins_at_once_opens_one_session(attack: Attack, tell: Tell):
    done, opened, examined, kept = Counter[int](), 0, 0, 0

    async def once() -> None:
        nonlocal opened, examined, kept
        account = await attack.an_account()
        challenges = await attack.challenges(account, 20)
        code = code_of(account)
        responses = tally(await gather(*(offer(challenge, code) for challenge in challenges)))
        # Each is charged until it is compared, so a few at once look like a lock to the others.
        assert set(responses) <= {"done", "code_already_used", "login_expired", "throttled", "account_locked"}, (
            responses
        )
        done[responses["done"]] += 1
        opened += await attack.sessions(account) - 1
        examined += int(await attack.scalar(f"{EXAMINED} AND outcome = 'ok'", user=account.id) != 1)
        late = await attack.challenges(account, 2)
        kept += 2 - tally([await offer(challenge, code) for challenge in late])["code_already_used"]

    await many_times(once)

    assert done == {1: TIMES}
    tell(
        f"{TIMES} times one valid code on 20 challenges at once, four workers behind nginx: one session each time",
        lost={"sessions too many": opened, "codes taken twice": examined, "codes taken later": kept},
    )


async def kill_workers(attack: Attack) -> None:
    """Kill all four, and wait until there are four others."""
    gone = set(attack.stack.gunicorn.children())
    assert len(gone) == WORKERS
    for worker in gone:
        os.kill(worker, signal.SIGKILL)
    await _until(attack, lambda workers: not workers & gone)


async def reload(attack: Attack) -> None:
    gone = set(attack.stack.gunicorn.children())
    attack.stack.gunicorn.reload()
    await _until(attack, lambda workers: not workers & gone)


async def stop_and_start(attack: Attack) -> None:
    attack.stack.gunicorn.stop()
    await _start(attack)


async def crash_and_start(attack: Attack) -> None:
    attack.stack.gunicorn.kill()
    await _start(attack)


async def _start(attack: Attack) -> None:
    attack.stack.gunicorn.start()
    await _until(attack, lambda _: True)


async def _until(attack: Attack, is_well: Callable[[set[int]], bool]) -> None:
    """Wait until four workers are there, the right ones, and nginx gets a response from them."""
    deadline = time.monotonic() + RESTART_SECONDS
    while True:
        attack.stack.gunicorn.wait()
        workers = set(attack.stack.gunicorn.children())
        if len(workers) == WORKERS and is_well(workers):
            return
        assert time.monotonic() < deadline, attack.stack.gunicorn.output()[-2000:]
        await asyncio.sleep(0.05)
