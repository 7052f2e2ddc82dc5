"""The text in the QR code: whatever a name holds, it stays a name."""

import base64
import re
from urllib.parse import unquote

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focys.domain.totp import LABEL_BYTES, label_parts, provisioning_uri
from tests.support.properties import always

SECRET = base64.b32encode(b"a twenty byte secret").decode()
HOSTILE = [
    "two words",
    "alice+tag@student.com",
    "jörg.müller@straße.example",
    "张伟@例子.公司",
    "🔐 wallet 🦊",
    "x" * 200,
    "ü" * 200,
    "张" * 200,
    "🦊" * 200,
    "Evil: Bank",
    ":::",
    "&secret=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "a&issuer=Evil",
    "a#fragment",
    "a?secret=AAAA",
    "100%",
    "%26secret%3DAAAA",
    "a/b\\c",
    "<script>alert(1)</script>",
    "line\r\nbreak\x00\x1b[31m",
    "\u202eright to left",
    "lone \ud800 surrogate",
    "'\"`$;|",
    " ",
    "",
]
"""Names as a person, an attacker, or a broken program would choose them."""


def parsed_strictly(uri: str) -> tuple[str, str, dict[str, str]]:
    """Issuer, account and parameters of a URI that has to keep to the email of RFC 3986 and of the key-URI format."""
    plain = r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})"
    whole = re.fullmatch(rf"otpauth://totp/({plain}+):({plain}+)\?((?:[a-z]+={plain}+&?)+)", uri)
    assert whole, uri
    pairs = [pair.split("=") for pair in whole[3].split("&")]
    assert [name for name, _ in pairs] == ["secret", "issuer", "algorithm", "digits", "period"]
    values = {name: unquote(value, errors="strict") for name, value in pairs}
    return unquote(whole[1], errors="strict"), unquote(whole[2], errors="strict"), values


def parsed_by_pyotp(uri: str) -> pyotp.TOTP:
    parsed = pyotp.parse_uri(uri)
    assert isinstance(parsed, pyotp.TOTP)
    return parsed


def assert_says_only(uri: str, issuer: str, account: str) -> None:
    assert parsed_strictly(uri) == (
        issuer,
        account,
        {"secret": SECRET, "issuer": issuer, "algorithm": "SHA1", "digits": "6", "period": "30"},
    )
    others = parsed_by_pyotp(uri)
    assert (others.secret, others.issuer, others.name) == (SECRET, issuer, account)
    assert (others.digits, others.interval, others.digest().name) == (6, 30, "sha1")


def test_the_uri_of_a_plain_name_is_exact():
    uri = provisioning_uri(SECRET, issuer="FOCYS", account="alice@student.com")

    assert uri == (
        f"otpauth://totp/FOCYS:alice%40student.com?secret={SECRET}&issuer=FOCYS&algorithm=SHA1&digits=6&period=30"
    )


def test_a_space_is_written_as_percent_twenty_and_a_plus_stays_a_plus():
    """TOTP-13: some apps show a plus sign where a space is meant, others a space where a plus is."""
    uri = provisioning_uri(SECRET, issuer="My Shop", account="alice+tag@student.com")

    assert uri.startswith("otpauth://totp/My%20Shop:alice%2Btag%40student.com?")
    assert "issuer=My%20Shop&" in uri
    assert "+" not in uri


@pytest.mark.parametrize("account", HOSTILE)
@pytest.mark.parametrize("issuer", ["FOCYS", "Öffi & Co", "a:b&secret=X"])
def test_a_hostile_account_cannot_change_a_parameter(issuer, account):
    uri = provisioning_uri(SECRET, issuer=issuer, account=account)

    assert_says_only(uri, *label_parts(issuer, account))


@pytest.mark.parametrize("issuer", HOSTILE)
def test_a_hostile_issuer_cannot_change_a_parameter(issuer):
    uri = provisioning_uri(SECRET, issuer=issuer, account="alice@student.com")

    assert_says_only(uri, *label_parts(issuer, "alice@student.com"))


@always
@given(st.text(), st.text())
def test_no_name_can_change_a_parameter(issuer, account):
    assert_says_only(provisioning_uri(SECRET, issuer=issuer, account=account), *label_parts(issuer, account))


@always
@given(st.text() | st.sampled_from(HOSTILE), st.text() | st.sampled_from(HOSTILE))
def test_names_are_printable_without_colons_and_at_most_sixty_bytes(issuer, account):
    shown = label_parts(issuer, account)

    assert all(part and part.isprintable() and part == part.strip() and ":" not in part for part in shown)
    assert sum(len(part.encode()) for part in shown) <= LABEL_BYTES == 60
    assert label_parts(*shown) == shown


@pytest.mark.parametrize(
    ("issuer", "account", "shown"),
    [
        ("FOCYS", "alice@student.com", ("FOCYS", "alice@student.com")),
        ("  My \t Shop ", "a\nb", ("My Shop", "a b")),
        ("Evil: Bank", "a:b", ("Evil Bank", "a b")),
        ("", "", ("Login", "account")),
        (":", "\x00", ("Login", "account")),
        ("x" * 200, "y" * 200, ("x" * 30, "y" * 30)),
        ("FOCYS", "y" * 200, ("FOCYS", "y" * 55)),
        ("ü" * 200, "张" * 200, ("ü" * 15, "张" * 10)),
        ("🦊" * 200, "alice@student.com", ("🦊" * 7, "alice@student.com")),
        ("x" * 29 + " y", "a", ("x" * 29, "a")),
    ],
)
def test_a_long_name_is_cut_between_characters(issuer, account, shown):
    assert label_parts(issuer, account) == shown


@pytest.mark.parametrize("address", ["alice@student.com", "a" * 64 + "@student.com", "ä" * 60 + "@student.com"])
def test_each_further_authenticator_has_a_name_of_its_own_within_the_limit(address):
    """The number survives the cut; some apps would overwrite the earlier entry."""
    names = [label_parts("W" * 30, address, number=number) for number in (1, 2, 10)]

    assert len(set(names)) == 3
    assert [account.rpartition(" ")[2] for _, account in names[1:]] == ["(2)", "(10)"]
    assert all(len((issuer + account).encode()) <= LABEL_BYTES for issuer, account in names)
    assert all(label_parts(*name) == name for name in names)
