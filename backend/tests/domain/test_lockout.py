"""The ladder of locks, step by step and as properties; and the delay of wrong passwords."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focys.domain.lockout import (
    GUARDED_AFTER,
    GUARDED_TRIES_PER_HOUR,
    PASSWORD_DELAY_MAX,
    Guarded,
    Locked,
    Open,
    password_delay,
    verdict,
)
from tests.support.clock import NOON
from tests.support.properties import always

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
YEAR = timedelta(days=365)
TIMES = st.integers(-2 * 366 * 24 * 3600, 24 * 3600).map(lambda seconds: NOON + seconds * SECOND)
LEDGERS = st.lists(TIMES, max_size=90)


def failures(count: int, at: datetime = NOON) -> list[datetime]:
    """*count* failures, a second apart, the last one at *at*."""
    return [at - n * SECOND for n in range(count)]


def test_the_whole_ladder_from_the_first_wrong_code_to_guarded_mode():
    """LOCK-03, LOCK-04: 5 -> 15 minutes, 10 -> 60 minutes, 15 -> guarded."""
    now = NOON
    ledger: list[datetime] = []
    seen: list[timedelta | int | str] = []

    for _ in range(15):
        match verdict(ledger, now):
            case Locked(until):
                seen.append(until - now)
                now = until
        ledger.append(now)
        after = verdict(ledger, now)
        seen.append(after.tries_left if isinstance(after, Open) else type(after).__name__)

    assert seen == [
        *[4, 3, 2, 1, "Locked", 15 * MINUTE],
        *[4, 3, 2, 1, "Locked", 60 * MINUTE],
        *[4, 3, 2, 1, "Guarded"],
    ]


@pytest.mark.parametrize(("count", "lock"), [(5, 15 * MINUTE), (10, 60 * MINUTE)])
def test_a_lock_opens_to_the_second_and_nothing_extends_it(count, lock):
    """LOCK-03: what is tried while it is locked is not examined, so it leaves no failure behind."""
    ledger = failures(count)

    for waited in (0 * SECOND, SECOND, lock / 2, lock - SECOND, lock - timedelta(microseconds=1)):
        assert verdict(ledger, NOON + waited) == Locked(until=NOON + lock)

    assert verdict(ledger, NOON + lock) == Open(tries_left=5)


@pytest.mark.parametrize("count", [*range(5), *range(6, 10), *range(11, 15)])
def test_between_the_rungs_it_is_open_at_once(count):
    """LOCK-04."""
    assert verdict(failures(count), NOON) == Open(tries_left=5 - count % 5)


@pytest.mark.parametrize("count", [15, 16, 59])
def test_guarded_mode_is_entered_at_fifteen_and_not_left_by_waiting_an_hour_or_a_month(count):
    """LOCK-05, LOCK-07."""
    for waited in (0 * SECOND, HOUR, timedelta(days=30), timedelta(days=364)):
        assert verdict(failures(count), NOON + waited) == Guarded()


def test_a_failure_is_forgotten_after_365_days_to_the_second():
    """LOCK-05."""
    ledger = failures(GUARDED_AFTER)

    assert verdict(ledger, NOON + YEAR - 15 * SECOND) == Guarded()
    assert verdict(ledger, NOON + YEAR - 14 * SECOND) == Open(tries_left=1)
    assert verdict(ledger, NOON + YEAR - SECOND) == Open(tries_left=4)
    assert verdict(ledger, NOON + YEAR) == Open(tries_left=5)


def test_in_guarded_mode_sixty_tries_an_hour_are_examined_and_the_next_waits_for_the_oldest_to_age():
    """LOCK-06."""
    ledger = [NOON + n * MINUTE / 2 for n in range(GUARDED_TRIES_PER_HOUR)]
    now = ledger[-1]

    assert verdict(ledger[:-1], now) == Guarded()
    assert verdict(ledger, now) == Guarded(until=NOON + HOUR)
    assert verdict(ledger, NOON + HOUR - SECOND) == Guarded(until=NOON + HOUR)
    assert verdict(ledger, NOON + HOUR) == Guarded()


@pytest.mark.parametrize(("count", "rung"), [(5, 15 * MINUTE), (10, 60 * MINUTE)])
def test_failures_from_a_clock_that_ran_a_little_ahead_promise_no_longer_lock_than_the_rung(count, rung):
    """LOCK-14."""
    assert verdict([NOON + SECOND] * count, NOON) == Locked(until=NOON + rung)
    assert verdict([NOON + rung] * count, NOON) == Locked(until=NOON + rung)


@pytest.mark.parametrize(("count", "rung"), [(5, 15 * MINUTE), (10, 60 * MINUTE)])
def test_a_failure_from_a_clock_that_ran_far_ahead_hides_no_lock_of_the_present(count, rung):
    """AVL-07."""
    ledger = [NOON + timedelta(days=1), *failures(count - 1)]

    assert verdict(ledger, NOON) == Locked(until=NOON + rung)
    assert verdict(ledger, NOON + rung) == Open(tries_left=5)


@pytest.mark.parametrize(("count", "rung"), [(5, 15 * MINUTE), (10, 60 * MINUTE)])
def test_failures_from_a_clock_that_ran_far_ahead_lock_for_twice_the_rung_at_most(count, rung):
    """LOCK-14, AVL-08."""
    stamped = NOON + timedelta(days=1)

    verdicts = [verdict([stamped] * count, NOON + n * MINUTE) for n in range(2 * 24 * 60)]

    assert sum(isinstance(v, Locked) for v in verdicts) * MINUTE <= 2 * rung
    assert isinstance(verdicts[0], Open)
    assert isinstance(verdicts[-1], Open)


@always
@given(LEDGERS, TIMES)
def test_nobody_is_ever_told_to_wait_longer_than_sixty_minutes(ledger, now):
    """LOCK-04, LOCK-14, AVL-08: whatever the ledger holds, also from clocks that were wrong by a day."""
    match verdict(ledger, now):
        case Locked(until) | Guarded(datetime() as until):
            assert now < until <= now + HOUR
        case Open(tries_left):
            assert 1 <= tries_left <= 5


@always
@given(LEDGERS, TIMES, st.randoms())
def test_the_order_of_the_ledger_does_not_matter(ledger, now, random):
    shuffled = random.sample(ledger, len(ledger))

    assert verdict(shuffled, now) == verdict(ledger, now)


@always
@given(st.lists(st.integers(0, 364 * 24 * 3600), max_size=14))
def test_as_many_failures_as_tries_left_and_not_one_fewer_end_the_open_time(ages):
    """LOCK-04: what the page says about the tries left is true."""
    ledger = [NOON - age * SECOND for age in ages]
    standing = verdict(ledger, NOON)

    if isinstance(standing, Open):
        for fewer in range(standing.tries_left):
            assert verdict([*ledger, *[NOON] * fewer], NOON) == Open(standing.tries_left - fewer)
        assert not isinstance(verdict([*ledger, *[NOON] * standing.tries_left], NOON), Open)


WAITS = st.one_of(
    st.just(0),
    st.integers(0, 4000),
    st.integers(0, 40 * 24 * 3600),
    st.sampled_from([15 * 60, 3600, 364 * 24 * 3600, 365 * 24 * 3600]),
)


@always
@given(st.lists(st.tuples(WAITS, st.booleans()), max_size=120))
def test_no_rolling_365_days_ever_hold_more_than_fifteen_single_codes(attempts):
    """LOCK-05: any pace, any pauses, single codes and pairs mixed; all wrong, so all charged."""
    now = NOON
    ledger: list[datetime] = []
    singles: list[datetime] = []

    for seconds, as_pair in attempts:
        now += seconds * SECOND
        match verdict(ledger, now):
            case Open():
                ledger.append(now)
                singles.append(now)
            case Guarded(None) if as_pair:
                ledger.append(now)

    for at in singles:
        assert sum(at - YEAR < other <= at for other in singles) <= 15


@pytest.mark.parametrize(
    ("wrong", "seconds"),
    [(0, 0), (4, 0), (5, 15), (6, 30), (7, 60), (8, 120), (9, 240), (10, 480), (11, 900), (12, 900), (10**9, 900)],
)
def test_five_wrong_passwords_are_free_and_then_the_delay_doubles_up_to_fifteen_minutes(wrong, seconds):
    """LOCK-09."""
    assert password_delay(wrong) == seconds * SECOND


def test_the_password_delay_never_shrinks():
    """LOCK-09."""
    delays = [password_delay(wrong) for wrong in range(100)]

    assert all(shorter <= longer for shorter, longer in pairwise(delays))
    assert delays[-1] == PASSWORD_DELAY_MAX == 15 * MINUTE
