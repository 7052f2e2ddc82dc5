"""Whose address counts: the nearest hop that no trusted proxy wrote for itself."""

from ipaddress import ip_network
from typing import Any

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from focys.features.audit import audit_events
from focys.infra.web.client_address import Network, client_address, is_shared, source_of
from tests.conftest import MakeWorld
from tests.support.rows import rows_of

PORT = 40_000
PROXIES = [ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.5", None, "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", " 198.51.100.1 ", "198.51.100.1"),
        # What the client wrote itself stands to the left of what our proxy added.
        ("127.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "127.0.0.1, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.1, 10.1.2.3, 10.9.9.9", "198.51.100.1"),
        ("10.1.2.3", "10.4.5.6", "10.4.5.6"),
        ("127.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "[2001:db8::7]", "2001:db8::7"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("127.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("127.0.0.1", "198.51.100.1,10.1.2.3:443", "198.51.100.1"),
        ("127.0.0.1", "1.1.1.1, " * 7000 + "198.51.100.1", "198.51.100.1"),
    ],
)
def test_the_address_is_the_nearest_untrusted_hop(peer: str, forwarded: str | None, expected: str):
    assert client_address((peer, PORT), forwarded or "", PROXIES) == expected


@pytest.mark.parametrize(
    "forwarded",
    [
        "unknown",
        "_hidden",
        "198.51.100.1:",
        "198.51.100.1:port",
        "198.51.100.1:4711:4711",
        "2001:db8::7]",
        "[2001:db8::7",
        "[[2001:db8::7]]",
        "[2001:db8::7]4711",
        "[198.51.100.1",
        "::ffff:198.51.100.256",
        "9" * 60_000,
        "for=198.51.100.1;proto=https",
        'for="[2001:db8::7]"',
        "for=198.51.100.1",
        "198.51.100.256",
        "1",
        "0x7f000001",
        "198.51.100.01",
        "fe80::1%" + "x" * 300,
        "a, ",
        ",",
        "'; DROP TABLE users; --",
        "é",
        "198.51.100.1\t10.0.0.1",
    ],
)
def test_an_unusable_value_falls_back_to_the_peer(forwarded: str):
    assert client_address(("127.0.0.1", PORT), forwarded, PROXIES) == "127.0.0.1"


def test_an_unusable_outer_value_falls_back_to_the_last_known_hop():
    assert client_address(("127.0.0.1", PORT), "nonsense, 10.1.2.3", PROXIES) == "10.1.2.3"


@pytest.mark.parametrize("peer", ["", "/run/focys.sock", "testclient"])
def test_a_peer_without_an_address_is_unknown_and_untrusted(peer: str):
    assert client_address((peer, PORT), "198.51.100.1", PROXIES) == "unknown"


def test_a_unix_socket_counts_as_this_machine():
    assert client_address(None, "198.51.100.1", PROXIES) == "198.51.100.1"
    assert client_address(None, "198.51.100.1", [ip_network("::1")]) == "198.51.100.1"
    assert client_address(None, "198.51.100.1", []) == "127.0.0.1"


def test_no_proxy_is_trusted_by_default():
    assert client_address(("127.0.0.1", PORT), "198.51.100.1", []) == "127.0.0.1"


@pytest.mark.parametrize(
    ("hops", "expected"), [(1, "10.1.2.3"), (2, "10.6.6.6"), (3, "1.1.1.1"), (None, "1.1.1.1"), (10, "1.1.1.1")]
)
def test_the_number_of_trusted_hops_can_be_limited(hops: int | None, expected: str):
    """CFG-03: with one proxy in front, a client at 10.1.2.3 that calls itself a proxy is a client all the same."""
    assert client_address(("127.0.0.1", PORT), "1.1.1.1, 10.6.6.6, 10.1.2.3", PROXIES, hops) == expected


FORWARDED = [
    "198.51.100.1",
    "6.6.6.6, 198.51.100.1",
    "198.51.100.1, 127.0.0.1",
    "198.51.100.1, ::1, 0:0::1, 127.0.0.1",
    "6.6.6.6, 10.1.2.3",
    "127.0.0.1",
    "::1, 127.0.0.1",
    "198.51.100.1:4711",
    "198.51.100.1:-1",
    "[2001:db8::7]:4711",
    "[2001:db8::7]:x",
    "[2001:db8::7]x",
    "[2001:db8::7",
    "2001:db8::7",
    "nonsense",
    "a:b",
    "a, ",
    ", ",
    ":",
    "[",
    "",
    "fe80::1%eth0",
    "::ffff:127.0.0.1",
    " 198.51.100.1 ,\t127.0.0.1\t",
]


@pytest.mark.parametrize("trusted", [[], PROXIES, [ip_network("203.0.113.0/24")]], ids=["nobody", "here", "elsewhere"])
@pytest.mark.parametrize("forwarded", FORWARDED)
async def test_uvicorns_own_proxy_headers_change_nothing(forwarded: str, trusted: list[Network]):
    """CFG-03: uvicorn believes everybody on this machine unless it is told not to, with whatever a client sent."""
    seen: dict[str, Any] = {}

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.update(scope)

    headers = [(b"x-forwarded-for", forwarded.encode())]
    scope: Any = {"type": "http", "client": ("127.0.0.1", PORT), "headers": headers}
    await ProxyHeadersMiddleware(app, ["127.0.0.1", "::1"])(scope, None, None)  # type: ignore[arg-type]

    untouched = client_address(("127.0.0.1", PORT), forwarded, trusted)
    assert client_address(seen["client"], forwarded, trusted) == untouched


def test_a_forged_entry_does_not_make_a_client_trusted():
    """CFG-03: who comes past the proxy is not believed because the address stands in a header, too."""
    for forwarded in ("6.6.6.6", "203.0.113.5, 6.6.6.6", "203.0.113.5:1, 6.6.6.6, 127.0.0.1", "203.0.113.5"):
        assert client_address(("203.0.113.5", PORT), forwarded, PROXIES) == "203.0.113.5"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "100.64.0.9", "fd00::7", "unknown", "1.1.1.1"])
def test_a_private_address_or_proxy_may_be_shared(address: str):
    assert is_shared(address, [ip_network("1.1.1.0/24")])
    assert not is_shared("8.8.8.8", [ip_network("1.1.1.0/24")])
    assert not is_shared("2a00:1450::1", [])


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("unknown", "unknown"),
    ],
)
def test_limits_count_an_ipv4_address_or_an_ipv6_64(address: str, source: str):
    assert source_of(address) == source


@pytest.mark.parametrize(
    "lines",
    [
        [("X-Forwarded-For", "203.0.113.9")],
        [("X-Forwarded-For", "6.6.6.6, 203.0.113.9")],
        # A proxy that adds a line of its own instead of lengthening the client's.
        [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.9")],
        [("x-forwarded-for", "6.6.6.6"), ("X-FORWARDED-FOR", "203.0.113.9")],
        [("Forwarded", "for=6.6.6.6"), ("X-Real-IP", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.9")],
    ],
)
async def test_a_client_cannot_choose_its_own_address(make_world: MakeWorld, lines):
    async with make_world(trusted_proxies=[ip_network("192.0.2.1")]) as world:
        browser = world.a_browser("192.0.2.1")

        await browser.post("/auth/login", {"email": "nobody@student.com", "password": "x"}, headers=lines)

        assert [row.source for row in await rows_of(world, audit_events)] == ["203.0.113.9"]
