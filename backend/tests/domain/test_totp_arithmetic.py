"""The numbers themselves: the RFCs' own vectors, programs that are not ours, and what is not a secret."""

import base64
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focys.domain.totp import (
    SECRET_BYTES,
    Match,
    code_for,
    examine,
    matching_step,
    seconds_left,
    step_at,
)
from focys.features.totp import new_secret
from tests.support.independents import INDEPENDENTS, by_mintotp, by_pyotp
from tests.support.properties import always

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
SECRETS = st.binary(min_size=20, max_size=20).map(lambda key: base64.b32encode(key).decode())


@pytest.mark.parametrize(
    ("counter", "code"),
    [
        (0, "755224"),
        (1, "287082"),
        (2, "359152"),
        (3, "969429"),
        (4, "338314"),
        (5, "254676"),
        (6, "287922"),
        (7, "162583"),
        (8, "399871"),
        (9, "520489"),
    ],
)
def test_rfc_4226_appendix_d_vectors(counter, code):
    assert code_for(RFC_SECRET, counter) == code


@pytest.mark.parametrize(
    ("now", "step", "eight_digits"),
    [
        (59, 0x1, "94287082"),
        (1111111109, 0x23523EC, "07081804"),
        (1111111111, 0x23523ED, "14050471"),
        (1234567890, 0x273EF07, "89005924"),
        (2000000000, 0x3F940AA, "69279037"),
        (20000000000, 0x27BC86AA, "65353130"),
    ],
)
def test_rfc_6238_appendix_b_sha_1_vectors_in_six_digits(now, step, eight_digits):
    """TOTP-02. Six digits are the last six of the RFC's eight: the same number modulo a smaller power of ten."""
    code = eight_digits[2:]

    assert step_at(now) == step
    assert code_for(RFC_SECRET, step) == code
    assert matching_step(RFC_SECRET, code, now=now) == step
    assert examine(RFC_SECRET, code, now=now) == Match(step=step, offset=0)


@pytest.mark.parametrize("independent", INDEPENDENTS, ids=lambda f: f.__name__)
def test_independent_programs_agree_on_leading_zeros(independent):
    steps = range(59_000_000, 59_000_040)

    ours = [code_for(RFC_SECRET, step) for step in steps]

    assert ours == [independent(RFC_SECRET, step) for step in steps]
    assert any(code.startswith("0") for code in ours)


@always
@given(SECRETS, st.integers(0, 2**63 - 1))
def test_independent_programs_agree_for_any_secret_and_step(secret, step):
    code = code_for(secret, step)

    assert code == by_pyotp(secret, step) == by_mintotp(secret, step)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC"])
def test_the_time_zone_makes_no_difference(zone, monkeypatch):
    """TOTP-08. Sampled through the hours in which each zone's clocks go back or forward in 2026."""
    changes = [(3, 8, 6), (11, 1, 5), (3, 28, 23), (10, 24, 23), (4, 4, 14), (10, 3, 15)]
    moments = [
        datetime(2026, month, day, hour, tzinfo=UTC).timestamp() + minutes * 60
        for month, day, hour in changes
        for minutes in range(0, 180, 7)
    ]
    monkeypatch.setenv("TZ", zone)
    time.tzset()

    try:
        judged = [examine(RFC_SECRET, by_pyotp(RFC_SECRET, int(now) // 30), now=now) for now in moments]
    finally:
        monkeypatch.undo()
        time.tzset()

    assert judged == [Match(step=int(now) // 30, offset=0) for now in moments]


def test_a_step_lasts_thirty_seconds_and_counts_down():
    assert [step_at(now) for now in (0, 29.999, 30, 59.999, 60)] == [0, 0, 1, 1, 2]
    assert [seconds_left(now) for now in (0, 0.5, 1, 29.999, 30)] == [30, 30, 29, 1, 30]


def test_shorter_secrets_give_the_same_codes_as_other_programs():
    """An account that an older app enrolled with 16 characters keeps its authenticator."""
    short = RFC_SECRET[:16]

    assert [code_for(short, step) for step in range(20)] == [by_mintotp(short, step) for step in range(20)]


@pytest.mark.parametrize(
    "secret",
    [
        RFC_SECRET.lower(),
        RFC_SECRET[:15],
        RFC_SECRET[:24],
        RFC_SECRET + "A" * 8,
        RFC_SECRET[:-1] + "=",
        RFC_SECRET[:-1] + "0",
        RFC_SECRET[:-1] + "1",
        RFC_SECRET[:-1] + "8",
        RFC_SECRET[:-1] + "v",
        RFC_SECRET[:-2] + "_A",
        "+" + RFC_SECRET[1:],
        "-" + RFC_SECRET[1:],
        " " + RFC_SECRET[1:],
        RFC_SECRET[:-1] + "\n",
        RFC_SECRET[:-1] + "\u0663",
        RFC_SECRET[:-1] + "\uff13",
        "",
    ],
)
def test_an_invalid_secret_is_refused_without_being_repeated(secret):
    with pytest.raises(ValueError, match=r"^a TOTP secret has 16 or 32 Base32 characters$") as refused:
        code_for(secret, 1)

    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_new_secrets_have_160_bits_and_never_repeat():
    secrets = {new_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert {len(base64.b32decode(secret)) for secret in secrets} == {SECRET_BYTES} == {20}
    # Every one of the 160 bits is set in some secret and clear in another: chance of a miss below 2 ** -91.
    keys = [int.from_bytes(base64.b32decode(secret), "big") for secret in secrets]
    for bit in range(160):
        assert {key >> bit & 1 for key in keys} == {0, 1}
