"""What makes a password acceptable: length and what is known of it, no rules of composition."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focys.domain.passwords import Weakness, is_oversized, normalize, weakness
from tests.support.properties import always

FAMILY = "\U0001f98a"
CONTEXT = ("FOCYS", "alice", "student", "com", "alice@student.com")


def judged(password: str, **known: Any) -> Weakness | None:
    facts: dict[str, Any] = {"strength": 4, "known": False, "context": CONTEXT, "mfa_required": True}
    return weakness(password, **(facts | known))


@pytest.mark.parametrize(
    ("length", "mfa_required", "expected"),
    [
        (7, True, Weakness.TOO_SHORT),
        (8, True, None),
        (14, False, Weakness.TOO_SHORT_ALONE),
        (15, False, None),
        (64, True, None),
        (256, True, None),
        (257, True, Weakness.TOO_LONG),
        (0, True, Weakness.TOO_SHORT),
    ],
)
def test_the_minimum_is_eight_characters_with_a_second_factor_and_fifteen_without(length, mfa_required, expected):
    assert judged("kq" * 128 + "x" if length > 256 else ("kq" * 128)[:length], mfa_required=mfa_required) is expected


def test_an_emoji_counts_as_one_character():
    assert judged(FAMILY * 7) is Weakness.TOO_SHORT
    assert judged(FAMILY * 8) is None


@pytest.mark.parametrize(
    ("password", "oversized"),
    [
        ("x" * 256, False),
        ("x" * 257, True),
        (FAMILY * 256, False),
        ("x" * 1_000_000, True),
        ("\ud800" * 256, False),
    ],
)
def test_the_limit_is_256_characters_and_1024_bytes(password, oversized):
    assert is_oversized(password) is oversized


@always
@given(st.text(alphabet=st.characters(), max_size=300))
def test_nothing_over_1024_bytes_is_ever_hashed(password):
    if not is_oversized(password):
        assert len(password) <= 256
        assert len(password.encode("utf-8", "surrogatepass")) <= 1024


@pytest.mark.parametrize(
    "password", ["abandonedharbourlamp", "12345 67890 93847", "ALL UPPER CASE TEXT", "        kq kq kq"]
)
def test_there_are_no_composition_rules(password):
    assert judged(password) is None


@pytest.mark.parametrize(
    ("strength", "expected"), [(s, Weakness.GUESSABLE) for s in (0, 1, 2)] + [(3, None), (4, None)]
)
def test_an_easily_guessed_password_is_refused(strength, expected):
    assert judged("some-password", strength=strength) is expected


def test_a_common_password_is_refused_however_strong_it_looks():
    assert judged("correct-horse-battery-staple", known=True) is Weakness.COMMON


@pytest.mark.parametrize(
    "password", ["focys-2026", "FOCYSfocys", "alice1234", "Student!99", "alice@student.com1", "xxALICExx"]
)
def test_a_password_made_of_the_address_or_the_product_is_refused(password):
    assert judged(password) is Weakness.CONTEXT


@pytest.mark.parametrize("password", ["alice-copper-bicycle", "welcome-dot-com", "student of the old harbour"])
def test_a_password_that_only_mentions_such_a_word_is_not(password):
    assert judged(password) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x" * 72 + "A", "x" * 72 + "B"),
        ("password-of-mine", "password-of-mine "),
        ("password-of-mine", " password-of-mine"),
        ("password-of-mine", "Password-of-mine"),
        ("password-of-mine", "password-of-mine\x00"),
        ("password-of-mine", "password-of-mine\n"),
        ("\ufb01sh and chips", "fish and chips"),
        ("\uff11234567", "11234567"),
        ("stra\u00dfe", "strasse"),
        ("a\u200bb", "ab"),
    ],
)
def test_passwords_that_differ_anywhere_stay_different(one, other):
    """PWD-04: no cut, no trim, no case change, no folding of compatible characters."""
    assert normalize(one) != normalize(other)


@always
@given(st.text(max_size=300))
def test_passwords_are_normalized_to_nfc_only(password):
    """PWD-04: two keyboards that spell a letter differently mean the same password."""
    assert normalize(password) == unicodedata.normalize("NFC", password)
    assert normalize(normalize(password)) == normalize(password)
    assert normalize(unicodedata.normalize("NFD", password)) == normalize(password)


@always
@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=300))
def test_a_plain_password_is_hashed_exactly_as_it_was_sent(password):
    assert normalize(password) == password
