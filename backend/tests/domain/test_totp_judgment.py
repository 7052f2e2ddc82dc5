"""What is made of a code somebody typed: the window, one use, hints, two in a row, and what is no code at all."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focys.domain.totp import (
    DRIFT_STEPS,
    HINT_STEPS,
    ClockBehindError,
    Match,
    Spent,
    Stale,
    Wrong,
    code_for,
    examine,
    examine_pair,
    matching_step,
    normalize,
    step_at,
)
from tests.support.clock import NOON
from tests.support.properties import always

SECRET = base64.b32encode(b"a twenty byte secret").decode()
NOW = NOON.timestamp() + 18
"""Twelve seconds before the next step."""

HERE = step_at(NOW)
SECRETS = st.binary(min_size=20, max_size=20).map(lambda key: base64.b32encode(key).decode())
MOMENTS = st.floats(min_value=1.5e9, max_value=4e9)


OTHER_ZEROS = "\uff10\u0660\u06f0\u0966\U0001d7ce"
"""The zeros of full-width, Arabic, Persian, Devanagari and bold digits."""


def in_digits_from(zero: str) -> str:
    return "".join(chr(ord(zero) + digit) for digit in range(1, 7))


def code_at(steps_away: int) -> str:
    return code_for(SECRET, HERE + steps_away)


def is_in_window(steps_away: int) -> bool:
    return -DRIFT_STEPS <= steps_away <= DRIFT_STEPS


@pytest.mark.parametrize("steps_away", range(-3, 4))
def test_only_the_neighboring_steps_are_accepted(steps_away):
    step = HERE + steps_away

    judged = examine(SECRET, code_at(steps_away), now=NOW)

    assert (matching_step(SECRET, code_at(steps_away), now=NOW) == step) is (abs(steps_away) <= 1)
    assert (judged == Match(step=step, offset=steps_away)) is (abs(steps_away) <= 1)


@pytest.mark.parametrize("steps_away", [-1, 0, 1])
def test_a_window_can_be_narrowed_to_the_current_step(steps_away):
    assert isinstance(examine(SECRET, code_at(steps_away), now=NOW, drift=0), Match) is (steps_away == 0)


@pytest.mark.parametrize("second", [0, 0.001, 14, 29, 29.999])
def test_a_code_is_accepted_from_one_step_before_to_one_after(second):
    code, born = code_at(0), HERE * 30

    accepted = [matching_step(SECRET, code, now=born + away * 30 + second) is not None for away in range(-3, 4)]

    assert accepted == [False, False, True, True, True, False, False]


@always
@given(SECRETS, MOMENTS, st.integers(-30, 30))
def test_only_codes_in_the_window_are_accepted_for_any_secret_and_time(secret, now, steps_away):
    here = step_at(now)
    code = code_for(secret, here + steps_away)
    window = {step: code_for(secret, step) for step in range(here - 1, here + 2)}

    step = matching_step(secret, code, now=now)

    # A code from elsewhere may by chance be the code of a step of the window, too.
    assert (step is not None) is (code in window.values())
    assert step is None or window[step] == code


@pytest.mark.parametrize("last_used", [-1, 0, 1])
@pytest.mark.parametrize("steps_away", [-1, 0, 1])
def test_only_a_step_after_the_last_used_one_is_accepted(steps_away, last_used):
    """TOTP-04, TOTP-05: it is the step that is spent, not the text."""
    judged = examine(SECRET, code_at(steps_away), now=NOW, last_used=HERE + last_used)

    assert isinstance(judged, Match) is (steps_away > last_used)
    assert isinstance(judged, Spent) is (steps_away <= last_used)


@always
@given(st.lists(st.tuples(st.integers(-90, 200), st.integers(-3, 3), st.booleans()), max_size=40))
def test_a_used_step_is_never_accepted_again(attempts):
    """TOTP-04, AVL-07: single codes and pairs mixed, early and late, with a clock that moves both ways."""
    now, last_used, used = NOW, None, []

    for seconds, steps_away, as_pair in attempts:
        now += seconds
        newer = step_at(now) + steps_away
        spends = [newer - 1, newer] if as_pair else [newer]
        first, last = code_for(SECRET, spends[0]), code_for(SECRET, newer)
        try:
            judged = (
                examine_pair(SECRET, (first, last), now=now, last_used=last_used)
                if as_pair
                else examine(SECRET, last, now=now, last_used=last_used)
            )
        except ClockBehindError:
            continue
        if isinstance(judged, Match):
            last_used = judged.step
            used += [judged.step - 1, judged.step] if as_pair else [judged.step]

    assert used == sorted(set(used))


def test_a_used_code_says_when_the_next_one_comes():
    """TOTP-14. At noon and 18 seconds the app's code changes in twelve."""
    assert examine(SECRET, code_at(0), now=NOW, last_used=HERE) == Spent(next_in=12)
    assert examine(SECRET, code_at(-1), now=NOW, last_used=HERE - 1) == Spent(next_in=12)
    assert examine(SECRET, code_at(1), now=NOW, last_used=HERE + 1) == Spent(next_in=42)


@pytest.mark.parametrize(("steps_away", "minutes"), [(-2, 1), (-3, 2), (-4, 2), (-6, 3), (-8, 4), (-10, 5)])
def test_an_old_code_indicates_a_slow_clock(steps_away, minutes):
    assert examine(SECRET, code_at(steps_away), now=NOW) == Stale(minutes_ago=minutes)
    assert examine(SECRET, code_at(steps_away), now=NOW, last_used=HERE) == Stale(minutes_ago=minutes)


def test_a_code_older_than_the_hint_is_just_wrong():
    assert examine(SECRET, code_at(-HINT_STEPS - 1), now=NOW) == Wrong()


@pytest.mark.parametrize("last_used", [None, HERE - 1, HERE, HERE + 1])
@pytest.mark.parametrize("steps_away", [2, 3, 5, 10, 120])
def test_a_future_code_is_just_wrong(steps_away, last_used):
    """TOTP-14: it is still to become valid, so nothing may tell it apart."""
    early = examine(SECRET, code_at(steps_away), now=NOW, last_used=last_used)
    wrong = examine(SECRET, "314159", now=NOW, last_used=last_used)

    assert early == wrong == Wrong()


@always
@given(SECRETS, MOMENTS, st.integers(-14, 14), st.none() | st.integers(-5, 1))
def test_a_hint_is_given_only_for_codes_that_can_never_be_accepted(secret, now, steps_away, used):
    here = step_at(now)
    last_used = None if used is None else here + used
    code = code_for(secret, here + steps_away)

    judged = examine(secret, code, now=now, last_used=last_used)

    if isinstance(judged, Spent | Stale):
        past = [step for step in range(here - HINT_STEPS, here + 2) if code_for(secret, step) == code]
        gone = here - 2 if last_used is None else max(here - 2, last_used)
        assert past
        assert max(past) <= gone


@pytest.mark.parametrize("judge", [examine, lambda *a, **k: examine_pair(a[0], (a[1], a[1]), **k)])
def test_a_clock_behind_the_last_used_step_accepts_nothing(judge):
    with pytest.raises(ClockBehindError):
        judge(SECRET, code_at(0), now=NOW, last_used=HERE + 2)

    assert not isinstance(judge(SECRET, code_at(0), now=NOW, last_used=HERE + 1), Match)


@pytest.mark.parametrize("newer", range(-3, 4))
def test_a_pair_is_accepted_if_the_newer_code_is_in_the_window(newer):
    judged = examine_pair(SECRET, (code_at(newer - 1), code_at(newer)), now=NOW)

    assert judged == (Match(step=HERE + newer, offset=newer) if is_in_window(newer) else Wrong())


@pytest.mark.parametrize(
    ("older", "newer"),
    [(0, -1), (1, 0), (0, 0), (-1, -1), (-2, 0), (-1, 1), (0, 2)],
    ids=["swapped", "swapped early", "one twice", "old one twice", "gap", "gap across", "gap ahead"],
)
def test_two_codes_not_in_a_row_are_refused(older, newer):
    assert examine_pair(SECRET, (code_at(older), code_at(newer)), now=NOW) == Wrong()


@pytest.mark.parametrize("wrong_half", [0, 1])
def test_a_pair_with_one_right_code_is_refused(wrong_half):
    """LOCK-06, and the answer does not say which half was right."""
    pair = (code_at(-1), "314159") if wrong_half else ("314159", code_at(0))

    assert examine_pair(SECRET, pair, now=NOW) == Wrong()


@pytest.mark.parametrize(("last_used", "accepted"), [(-3, True), (-2, True), (-1, False), (0, False)])
def test_both_codes_of_a_pair_must_be_unused(last_used, accepted):
    judged = examine_pair(SECRET, (code_at(-1), code_at(0)), now=NOW, last_used=HERE + last_used)

    assert isinstance(judged, Match) is accepted


@pytest.mark.parametrize("typed", ["123456", "123 456", "123-456", " 12 34 56 ", "1-2-3-4-5-6", "- 123456"])
def test_spaces_and_dashes_do_not_matter(typed):
    assert normalize(typed) == "123456"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12345",
        "1234567",
        "12345a",
        "+12345",
        "1_2345",
        "0x1234",
        "12.345",
        "123456\n",
        "123\t456",
        "123\x00456",
        "12345\uff16",
        *(in_digits_from(zero) for zero in OTHER_ZEROS),
        "\u00b2\u00b2\u00b2\u00b2\u00b2\u00b2",
        "123\u2013456",
    ],
)
def test_anything_but_six_ascii_digits_is_rejected(typed):
    assert normalize(typed) is None


@always
@given(st.text() | st.text(alphabet="0123456789 -", max_size=9) | st.text(alphabet="1\u0663\uff13\u00b2", max_size=7))
def test_any_input_is_normalized_to_six_digits_or_rejected(typed):
    code = normalize(typed)

    stripped = typed.replace(" ", "").replace("-", "")
    is_code = len(stripped) == 6 and set(stripped) <= set("0123456789")
    assert code == (stripped if is_code else None)
