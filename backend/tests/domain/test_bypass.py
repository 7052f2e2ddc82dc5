"""A bypass in theory: how long it may be, what a reason is, and whom it lets in."""

from datetime import timedelta
from uuid import uuid4

import pytest

from focys.domain.bypass import Bypass, BypassError, checked_reason, duration_of
from tests.support.clock import NOON

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "minutes"), [("5m", 5), ("30m", 30), ("90m", 90), ("1h", 60), ("2h", 120), ("4h", 240), ("240m", 240)]
)
def test_a_duration_is_a_number_of_minutes_or_hours(text: str, minutes: int):
    assert duration_of(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "4m",
        "0m",
        "241m",
        "5h",
        "-5m",
        "30",
        "30 m",
        " 30m",
        "30m\n",
        "1.5h",
        "30s",
        "1d",
        "\u0663\u0660m",
        "9" * 400 + "m",
    ],
)
def test_anything_else_is_no_duration(text: str):
    """ADM-07: no bypass is open-ended."""
    with pytest.raises(BypassError, match="5m to 4h"):
        duration_of(text)


@pytest.mark.parametrize("text", ["x" * 10, "x" * 200, "  the phones' app is down  "])
def test_a_reason_is_one_line_of_limited_length(text: str):
    assert checked_reason(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "too short",
        " " * 20,
        "\u200b" * 20,
        "x" * 201,
        "one line\nand another",
        "turned \u202e round",
        "a color \x1b[31m",
        "ends\tso ",
    ],
)
def test_an_empty_or_unprintable_reason_is_refused(text: str):
    with pytest.raises(BypassError, match="10 to 200 characters"):
        checked_reason(text)


@pytest.mark.parametrize(
    ("named", "role", "lets_in"),
    [(False, "user", True), (False, "admin", False), (True, "user", True), (True, "admin", True)],
)
def test_a_bypass_for_everybody_excludes_administrators(*, named: bool, role: str, lets_in: bool):
    bypass = Bypass(uuid4(), named, NOON + HOUR)

    assert bypass.lets_in(role, NOON) is lets_in
    assert bypass.lets_in(role, NOON + HOUR - timedelta(microseconds=1)) is lets_in
    assert bypass.lets_in(role, NOON + HOUR) is False
