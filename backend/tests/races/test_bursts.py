"""Codes that arrive together: the right one wins no more often than the remaining tries allow.

Sign-ins are counted, for a code that was compared and never charged leaves no row.
"""

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from math import comb
from time import time_ns
from uuid import UUID, uuid4

import pytest

from focys.domain import crockford
from focys.domain.lockout import STRONG_TRIES_PER_NETWORK
from focys.domain.login import Step
from focys.features.lockout import failed
from focys.features.login import pending_logins
from focys.infra.crypto.tokens import new_token
from focys.infra.db.database import Change
from tests.faults.people import Person, a_login, some_people
from tests.faults.report import Tell
from tests.support.hash_costs import cheap_hasher
from tests.support.lines import Lines, open_lines, post
from tests.support.service import PASSWORD, Account
from tests.support.workers import Workers, code_of, tally, wrong_codes

BURSTS, CODES = 100, 300
FEWER_BURSTS, FEWER_CODES = 20, 100
LOGINS, BUDGET = 5, 5
CASES = 4
FALSE_ALARM = Fraction(1, 1_000_000)
"""The share of runs in which a fair service may fail any of the cases."""


@dataclass(frozen=True)
class Door:
    """A call that takes codes: its responses, the rows that it opens, and those that count toward its limit."""

    path: str
    opened: str = "done"
    opens: tuple[str, str] = ("sessions", "TRUE")
    shut: str = "account_locked"
    ledger: tuple[str, str] = ("second_factor_failures", "NOT strong")


TOTP, BACKUP_CODE = Door("/auth/totp/verify"), Door("/auth/backup-code/verify")
MAILED_CODE = Door(
    "/auth/email-code/verify",
    opened="enroll",
    opens=("pending_logins", "step = 'enroll'"),
    shut="new_code_needed",
    ledger=("email_code_failures", "TRUE"),
)


@dataclass(frozen=True)
class Attack:
    """One account's logins in progress, by their login tokens, and the codes for them."""

    door: Door
    user: UUID
    login_tokens: Sequence[str]
    right: str
    wrong: Sequence[str]
    networks: int = LOGINS

    def requests(self, codes: Sequence[str]) -> list[bytes]:
        """Offer codes over the logins in turn, the logins from as many networks as the attack has."""
        turns = [i % len(self.login_tokens) for i in range(len(codes))]
        return [
            post(
                self.door.path,
                {"code": code},
                {
                    "Cookie": f"focys_login={self.login_tokens[turn]}",
                    "X-Forwarded-For": f"10.200.0.{turn % self.networks}",
                },
            )
            for code, turn in zip(codes, turns, strict=True)
        ]


@dataclass
class Arena:
    """Runs attacks, and counts those that win."""

    workers: Workers
    lines: Lines
    tell: Tell
    draw: random.Random
    bursts: int = 0
    won: int = 0

    async def play(self, attack: Attack) -> None:
        """Release all codes at once, the right one at a random position.

        If it does not win, the tries that are left can be used in turn, and then even the right code is refused.
        """
        door, codes = attack.door, [*attack.wrong]
        codes.insert(self.draw.randrange(len(codes) + 1), attack.right)

        responses = tally(await self.lines.release(attack.requests(codes)))

        (table, where), (ledger, counts), won = door.opens, door.ledger, responses.get(door.opened, 0)
        charged = await self.workers.rows_of(ledger, attack.user, counts)
        assert set(responses) <= {door.opened, "invalid_code", "throttled", door.shut, *(["login_expired"] * won)}
        assert await self.workers.rows_of(table, attack.user, where) == won
        assert charged <= BUDGET
        assert (
            await self.workers.rows_of("second_factor_failures", attack.user, "strong")
            <= attack.networks * STRONG_TRIES_PER_NETWORK
        )
        if not won:
            assert await self._in_turn(attack, [*attack.wrong[: BUDGET - charged], attack.right]) == door.shut
        self.bursts, self.won = self.bursts + 1, self.won + won

    def judge(self, what: str, chance: Fraction) -> None:
        """Fail if chance cannot explain the wins, given that a burst may win with *chance*."""
        too_many, fair = beyond_chance(self.bursts, chance), float(self.bursts * chance)
        self.tell(
            f"{self.bursts} bursts of {what}: {self.won} won, {fair:.1f} are to be expected, {too_many} are too many",
            lost={"wins beyond chance": max(0, self.won - too_many + 1)},
        )

    async def _in_turn(self, attack: Attack, codes: Sequence[str]) -> str:
        """Offer codes one after the other and return the name of the last response."""
        for code in codes:
            [name] = tally(await self.lines.release(attack.requests([code])))
        return name


@pytest.fixture
async def arena(workers: Workers, tell: Tell, request: pytest.FixtureRequest) -> AsyncIterator[Arena]:
    seed = time_ns() % 1_000_000
    request.node.add_report_section("setup", "chance", f"seed {seed}")
    async with open_lines(workers.servers, CODES) as lines:
        yield Arena(workers, lines, tell, random.Random(seed))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("earlier", [0, 4])
async def test_bursts_of_codes_win_no_more_often_than_the_tries_left(arena: Arena, earlier: int):
    for person in await some_people(arena.workers.services, BURSTS, enrolled=True):
        account = Account(person.id, person.email, PASSWORD, person.secret)
        login_tokens = await logins_of(person, arena.workers, earlier)
        await arena.play(Attack(TOTP, person.id, login_tokens, code_of(account), wrong_codes(account, CODES - 1)))

    arena.judge(f"{CODES} codes after {earlier} failures", Fraction(BUDGET - earlier, CODES))


async def test_bursts_of_backup_codes_win_no_more_often_than_the_tries_left(arena: Arena):
    """LOCK-02, LOCK-05: nobody guesses 80 bits, so a lock leaves them tries of their own; but each is charged."""
    # Cheap hashes let more codes run in parallel.
    cheap = replace(arena.workers.services, hasher=cheap_hasher())
    for person in await some_people(cheap, FEWER_BURSTS, enrolled=True):
        login_tokens = await logins_of(person, arena.workers, BUDGET - 1)
        wrong = [crockford.encode(arena.draw.randbytes(crockford.CODE_BYTES)) for _ in range(FEWER_CODES - 1)]
        await arena.play(Attack(BACKUP_CODE, person.id, login_tokens, person.backup_codes[0], wrong, networks=1))

    arena.judge(
        f"{FEWER_CODES} backup codes after {BUDGET - 1} failures", Fraction(1 + STRONG_TRIES_PER_NETWORK, FEWER_CODES)
    )


async def test_bursts_of_emailed_codes_win_no_more_often_than_five_tries(arena: Arena):
    for _ in range(FEWER_BURSTS):
        account, browser = await arena.workers.an_account(), arena.workers.a_browser()
        await browser.sign_in_with_password(account)
        right = await arena.workers.mailed_code(account)
        wrong = [f"{(int(right) + i) % 1_000_000:06}" for i in range(1, FEWER_CODES)]
        await arena.play(Attack(MAILED_CODE, account.id, [browser.http.cookies["focys_login"]], right, wrong))

    arena.judge(f"{FEWER_CODES} mailed codes", Fraction(BUDGET, FEWER_CODES))


async def logins_of(person: Person, workers: Workers, earlier: int) -> list[str]:
    """Begin logins up to the second factor, after so many failures of strangers; return their login tokens."""
    now, login_tokens = workers.services.clock.now(), [new_token() for _ in range(LOGINS)]
    until = now + timedelta(minutes=5)
    await workers.services.database.write(
        *(
            Change(pending_logins, a_login(person, login_token, Step.SECOND_FACTOR, now, until))
            for login_token in login_tokens
        ),
        *(failed(person.id, None, uuid4(), now - timedelta(minutes=1)) for _ in range(earlier)),
    )
    return login_tokens


def beyond_chance(bursts: int, chance: Fraction) -> int:
    """Return the fewest wins that a fair service reaches in no more than ``FALSE_ALARM / CASES`` of all runs.

    The right code is put among the others at random, so whichever *n* of them are compared, it is one of these with a
    *chance* of *n* in all. The wins of so many bursts are binomial at most; their upper tail is summed without rounding.
    """
    odds = [comb(bursts, won) * chance**won * (1 - chance) ** (bursts - won) for won in range(bursts + 1)]
    return next(won for won in range(bursts + 2) if sum(odds[won:]) <= FALSE_ALARM / CASES)
