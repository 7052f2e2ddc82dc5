"""The code that proves a mailbox: six digits, and sixteen characters once it was guessed at too often."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focys.domain.email_codes import LONG_AFTER, TRIES, is_long, normalize, spell
from tests.support.clock import NOON
from tests.support.properties import always

DIGESTS = st.binary(min_size=32, max_size=32)
YEAR = timedelta(days=365)


@pytest.mark.parametrize(("failures", "expected"), [(0, False), (9, False), (10, True), (11, True)])
def test_after_ten_failures_the_next_code_is_the_long_one(failures, expected):
    assert is_long([NOON - timedelta(days=n) for n in range(failures)], NOON) is expected


def test_failures_are_forgotten_after_365_days():
    failures = [NOON] * 9 + [NOON - timedelta(days=1)]

    assert is_long(failures, NOON + YEAR - timedelta(days=1, seconds=1))
    assert not is_long(failures, NOON + YEAR - timedelta(days=1))


def test_a_failure_from_a_clock_that_ran_ahead_counts():
    assert is_long([NOON + timedelta(hours=1)] * LONG_AFTER, NOON)


def test_ten_failures_over_two_codes_make_the_next_one_long():
    """EOTP-04, EOTP-07: at most ten guesses a year at six digits."""
    assert 2 * TRIES == LONG_AFTER == 10


@always
@given(DIGESTS)
def test_a_short_code_is_six_digits_and_can_be_parsed_back(digest):
    code = spell(digest, long=False)

    assert len(code) == 6
    assert code == f"{int.from_bytes(digest, 'big') % 1_000_000:06d}"
    assert normalize(f" {code[:3]}-{code[3:]} ", long=False) == code


def test_a_short_code_keeps_its_leading_zeros():
    assert spell((42).to_bytes(32, "big"), long=False) == "000042"


@always
@given(DIGESTS)
def test_a_long_code_is_sixteen_characters_and_can_be_parsed_back(digest):
    code = spell(digest, long=True)

    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
    assert normalize(code.lower().replace("-", " "), long=True) == code.replace("-", "")


@always
@given(DIGESTS)
def test_a_short_code_never_parses_as_a_long_one(digest):
    """EOTP-07: once the long code is asked for, six digits are no code any more."""
    assert normalize(spell(digest, long=False), long=True) is None
    assert normalize(spell(digest, long=True), long=False) is None


@always
@given(DIGESTS, DIGESTS)
def test_different_digests_give_different_long_codes(one, other):
    """EOTP-07: all of eighty bits are used."""
    assert (spell(one, long=True) == spell(other, long=True)) is (one[:10] == other[:10])
