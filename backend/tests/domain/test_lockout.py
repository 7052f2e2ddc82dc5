"""The locks, step by step and as properties; which proofs pass them; and the delay of wrong passwords."""

from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focys.domain.lockout import (
    GUARDED_AFTER,
    MAX_FAILURES,
    PASSWORD_DELAY_MAX,
    STRONG_TRIES,
    STRONG_TRIES_PER_NETWORK,
    Disabled,
    Failures,
    Guarded,
    Locked,
    LockState,
    Open,
    Strength,
    lock_state,
    obstacle,
    password_delay,
)
from tests.support.clock import NOON
from tests.support.properties import always

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
YEAR = timedelta(days=365)
TIMES = st.integers(-2 * 366 * 24 * 3600, 24 * 3600).map(lambda seconds: NOON + seconds * SECOND)
LEDGERS = st.lists(TIMES, max_size=90)
Strong = tuple[datetime, int, Strength]
"""A strong proof that failed: when, in which network, and how hard it was to guess."""


def failures(count: int, at: datetime = NOON) -> list[datetime]:
    """*count* failures, a second apart, the last one at *at*."""
    return [at - n * SECOND for n in range(count)]


def state_of(counted: list[datetime], now: datetime) -> LockState:
    """Return the lock state of failures that all count toward the locks."""
    return lock_state(Failures(counted), now)


def test_fifteen_wrong_codes_lead_through_both_locks_to_guarded_mode():
    """LOCK-03, LOCK-04: 5 -> 15 minutes, 10 -> 60 minutes, 15 -> guarded."""
    now = NOON
    ledger: list[datetime] = []
    seen: list[timedelta | tuple[int, timedelta | None] | str] = []

    for _ in range(15):
        match state_of(ledger, now):
            case Locked(until):
                seen.append(until - now)
                now = until
        ledger.append(now)
        after = state_of(ledger, now)
        seen.append((after.tries_left, after.next_pause) if isinstance(after, Open) else type(after).__name__)

    assert seen == [
        *[(left, 15 * MINUTE) for left in (4, 3, 2, 1)],
        *["Locked", 15 * MINUTE],
        *[(left, 60 * MINUTE) for left in (4, 3, 2, 1)],
        *["Locked", 60 * MINUTE],
        *[(left, None) for left in (4, 3, 2, 1)],
        "Guarded",
    ]


@pytest.mark.parametrize(("count", "lock", "next_lock"), [(5, 15 * MINUTE, 60 * MINUTE), (10, 60 * MINUTE, None)])
def test_a_lock_ends_to_the_second_and_nothing_extends_it(count, lock, next_lock):
    """LOCK-03: a single code is not checked while the account is locked, so it adds no failure."""
    ledger = failures(count)

    for waited in (0 * SECOND, SECOND, lock / 2, lock - SECOND, lock - timedelta(microseconds=1)):
        assert state_of(ledger, NOON + waited) == Locked(until=NOON + lock)

    assert state_of(ledger, NOON + lock) == Open(5, next_lock)


@pytest.mark.parametrize("count", [*range(5), *range(6, 10), *range(11, 15)])
def test_single_codes_are_checked_between_locks(count):
    assert state_of(failures(count), NOON) == Open(5 - count % 5, [15 * MINUTE, 60 * MINUTE, None][count // 5])


@pytest.mark.parametrize("count", [15, 16, 59])
def test_guarded_mode_begins_at_fifteen_and_outlasts_a_month(count):
    for waited in (0 * SECOND, HOUR, timedelta(days=30), timedelta(days=364)):
        assert state_of(failures(count), NOON + waited) == Guarded()


def test_a_failure_is_forgotten_after_365_days_to_the_second():
    ledger = failures(GUARDED_AFTER)

    assert state_of(ledger, NOON + YEAR - 15 * SECOND) == Guarded()
    assert state_of(ledger, NOON + YEAR - 14 * SECOND) == Open(1, None)
    assert state_of(ledger, NOON + YEAR - SECOND) == Open(4, 15 * MINUTE)
    assert state_of(ledger, NOON + YEAR) == Open(5, 15 * MINUTE)


def test_sixty_pairs_an_hour_are_examined_in_guarded_mode():
    counted = failures(GUARDED_AFTER)
    strong = [NOON + n * MINUTE / 2 for n in range(STRONG_TRIES)]
    now = strong[-1]

    assert lock_state(Failures(counted, strong[:-1]), now) == Guarded()
    assert lock_state(Failures(counted, strong), now) == Guarded(until=NOON + HOUR)
    assert lock_state(Failures(counted, strong), NOON + HOUR - SECOND) == Guarded(until=NOON + HOUR)
    assert lock_state(Failures(counted, strong), NOON + HOUR) == Guarded()


@pytest.mark.parametrize(("count", "lock"), [(5, 15 * MINUTE), (10, 60 * MINUTE)])
def test_failures_slightly_in_the_future_make_no_lock_longer(count, lock):
    assert state_of([NOON + SECOND] * count, NOON) == Locked(until=NOON + lock)
    assert state_of([NOON + lock] * count, NOON) == Locked(until=NOON + lock)


@pytest.mark.parametrize(("count", "lock", "next_lock"), [(5, 15 * MINUTE, 60 * MINUTE), (10, 60 * MINUTE, None)])
def test_a_failure_far_in_the_future_hides_no_current_lock(count, lock, next_lock):
    ledger = [NOON + timedelta(days=1), *failures(count - 1)]

    assert state_of(ledger, NOON) == Locked(until=NOON + lock)
    assert state_of(ledger, NOON + lock) == Open(5, next_lock)


@pytest.mark.parametrize(("count", "lock"), [(5, 15 * MINUTE), (10, 60 * MINUTE)])
def test_failures_far_in_the_future_lock_for_twice_the_length_at_most(count, lock):
    stamped = NOON + timedelta(days=1)

    states = [state_of([stamped] * count, NOON + n * MINUTE) for n in range(2 * 24 * 60)]

    assert sum(isinstance(v, Locked) for v in states) * MINUTE <= 2 * lock
    assert isinstance(states[0], Open)
    assert isinstance(states[-1], Open)


@always
@given(LEDGERS, LEDGERS, LEDGERS, st.integers(0, 120), TIMES)
def test_no_wait_is_longer_than_sixty_minutes(counted, strong, strong_here, total, now):
    """LOCK-04, LOCK-14, AVL-08: whatever the ledger holds, also from clocks that were wrong by a day."""
    failed = Failures(counted, strong, strong_here, total)

    for told in (lock_state(failed, now), *(obstacle(failed, strength, now) for strength in Strength)):
        match told:
            case Locked(until) | Guarded(datetime() as until):
                assert now < until <= now + HOUR
            case Open(tries_left, _):
                assert 1 <= tries_left <= 5


@always
@given(LEDGERS, TIMES, st.randoms())
def test_the_order_of_the_ledger_does_not_matter(ledger, now, random):
    shuffled = random.sample(ledger, len(ledger))

    assert state_of(shuffled, now) == state_of(ledger, now)


@always
@given(st.lists(st.integers(0, 364 * 24 * 3600), max_size=14))
def test_exactly_as_many_failures_as_tries_left_lock(ages):
    """LOCK-04: what the page says about the tries left is true."""
    ledger = [NOON - age * SECOND for age in ages]
    standing = state_of(ledger, NOON)

    if isinstance(standing, Open):
        for fewer in range(standing.tries_left):
            assert state_of([*ledger, *[NOON] * fewer], NOON) == Open(standing.tries_left - fewer, standing.next_pause)
        lock = state_of([*ledger, *[NOON] * standing.tries_left], NOON)
        assert lock == (Guarded() if standing.next_pause is None else Locked(NOON + standing.next_pause))


WAITS = (0, 1, 30, 300, 900, 3600, 24 * 3600, 30 * 24 * 3600)


@pytest.mark.parametrize("waits", [WAITS, WAITS[:3], WAITS[3:]], ids=["any pace", "fast", "slow"])
@pytest.mark.parametrize("seed", range(5))
def test_no_pace_and_no_mix_of_proofs_exceeds_a_limit(waits, seed):
    """LOCK-05, LOCK-06: singles, pairs and backup codes from many networks, with one password; all wrong, so all charged."""
    random, now = Random(seed), NOON
    counted: list[datetime] = []
    singles: list[datetime] = []
    strong: list[Strong] = []

    for _ in range(600):
        now += random.choice(waits) * SECOND
        strength, network = random.choice(list(Strength)), random.randrange(20)
        failed = failures_seen(counted, strong, network, now)
        if obstacle(failed, strength, now) is not None:
            continue
        if isinstance(lock_state(failed, now), Open):
            counted.append(now)
            singles += [now] * (strength is Strength.WEAK)
        else:
            strong.append((now, network, strength))

    assert not any(strength is Strength.WEAK for _, _, strength in strong)
    for at in singles:
        assert sum(at - YEAR < other <= at for other in singles) <= 15
    for at, network, _ in strong:
        year = [row for row in strong if at - YEAR < row[0] <= at and row[2] is Strength.STRONG]
        hour = [row for row in strong if at - HOUR < row[0] <= at]
        assert len(year) <= MAX_FAILURES
        assert sum(row[1] == network for row in hour) <= STRONG_TRIES_PER_NETWORK
        assert sum(row[2] is Strength.STRONG for row in hour) <= STRONG_TRIES


def failures_seen(counted: list[datetime], strong: list[Strong], network: int, now: datetime) -> Failures:
    """The failures of a caller's bucket if the password was not changed."""
    recent = [(at, where) for at, where, _ in strong if now - HOUR < at]
    total = sum(at > now - YEAR for at in (*counted, *(at for at, _, _ in strong)))
    return Failures(counted, [at for at, _ in recent], [at for at, where in recent if where == network], total)


CLOSED = {
    "locked for 15 minutes": failures(5),
    "locked for 60 minutes": failures(10),
    "guarded": failures(GUARDED_AFTER),
}


@pytest.mark.parametrize("strength", Strength)
@pytest.mark.parametrize("count", [0, 4, 6, 9, 11, 14])
def test_an_open_account_examines_every_proof(count, strength):
    """LOCK-04: however many strong proofs failed earlier."""
    many = [NOON] * MAX_FAILURES

    assert obstacle(Failures(failures(count), many, many, total=2 * MAX_FAILURES), strength, NOON) is None


@pytest.mark.parametrize("counted", CLOSED.values(), ids=CLOSED)
def test_a_locked_account_examines_every_proof_but_single_codes(counted):
    failed = Failures(counted, total=len(counted))

    assert not isinstance(lock_state(failed, NOON), Open)
    assert obstacle(failed, Strength.WEAK, NOON) == lock_state(failed, NOON)
    assert obstacle(failed, Strength.STRONG, NOON) is None
    assert obstacle(failed, Strength.UNGUESSABLE, NOON) is None


@pytest.mark.parametrize("counted", CLOSED.values(), ids=CLOSED)
def test_ten_strong_proofs_an_hour_of_one_network_may_fail(counted):
    """LOCK-06: pairs and backup codes alike; another network does not wait."""
    here = [NOON - HOUR + (n + 1) * MINUTE for n in range(STRONG_TRIES_PER_NETWORK)]

    for strength in (Strength.STRONG, Strength.UNGUESSABLE):
        assert obstacle(Failures(counted, here[1:], here[1:]), strength, NOON) is None
        assert obstacle(Failures(counted, here, here), strength, NOON) == Locked(until=NOON + MINUTE)
        assert obstacle(Failures(counted, here), strength, NOON) is None


@pytest.mark.parametrize("counted", CLOSED.values(), ids=CLOSED)
def test_sixty_failures_an_hour_delay_pairs_but_no_backup_code(counted):
    elsewhere = [NOON - HOUR + (n + 1) * SECOND for n in range(STRONG_TRIES)]

    assert obstacle(Failures(counted, elsewhere[1:]), Strength.STRONG, NOON) is None
    assert obstacle(Failures(counted, elsewhere), Strength.STRONG, NOON) == Locked(until=NOON + SECOND)
    assert obstacle(Failures(counted, elsewhere), Strength.UNGUESSABLE, NOON) is None


@pytest.mark.parametrize("counted", CLOSED.values(), ids=CLOSED)
def test_a_hundred_failures_disable_pairs_but_no_backup_code(counted):
    """LOCK-06 (NIST SP 800-63B section 3.2.2): waiting does not bring them back."""
    for total in (MAX_FAILURES - 1, MAX_FAILURES, 2 * MAX_FAILURES):
        failed = Failures(counted, total=total)
        assert obstacle(failed, Strength.STRONG, NOON) == (Disabled() if total >= MAX_FAILURES else None)
        assert obstacle(failed, Strength.UNGUESSABLE, NOON) is None
        assert obstacle(failed, Strength.WEAK, NOON) == lock_state(failed, NOON)


@always
@given(LEDGERS, LEDGERS, LEDGERS, TIMES)
def test_failed_strong_proofs_do_not_affect_locks(counted, strong, strong_here, now):
    """LOCK-03, LOCK-05: they never count toward five, ten or fifteen."""
    before, after = lock_state(Failures(counted), now), lock_state(Failures(counted, strong, strong_here), now)

    assert after == before or (isinstance(before, Guarded) and isinstance(after, Guarded))


@pytest.mark.parametrize(
    ("wrong", "seconds"),
    [(0, 0), (4, 0), (5, 15), (6, 30), (7, 60), (8, 120), (9, 240), (10, 480), (11, 900), (12, 900), (10**9, 900)],
)
def test_the_password_delay_doubles_after_five_up_to_fifteen_minutes(wrong, seconds):
    assert password_delay(wrong) == seconds * SECOND


def test_the_password_delay_never_shrinks():
    delays = [password_delay(wrong) for wrong in range(100)]

    assert all(shorter <= longer for shorter, longer in pairwise(delays))
    assert delays[-1] == PASSWORD_DELAY_MAX == 15 * MINUTE
