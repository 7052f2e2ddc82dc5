"""Whose address counts: the nearest hop that no trusted proxy wrote for itself."""

from ipaddress import ip_network

import pytest

from focys.features.audit import audit_events
from focys.infra.client_address import client_address, source_of
from tests.conftest import MakeWorld
from tests.support.rows import rows_of

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
    ],
)
def test_the_address_is_the_nearest_hop_that_is_no_proxy_of_ours(peer: str, forwarded: str | None, expected: str):
    """CFG-03."""
    assert client_address(peer, forwarded, PROXIES) == expected


@pytest.mark.parametrize(
    "forwarded",
    [
        "unknown",
        "_hidden",
        "198.51.100.1:4711",
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
    """CFG-03."""
    assert client_address("127.0.0.1", forwarded, PROXIES) == "127.0.0.1"


def test_an_unusable_value_further_out_falls_back_to_the_last_known_hop():
    assert client_address("127.0.0.1", "nonsense, 10.1.2.3", PROXIES) == "10.1.2.3"


@pytest.mark.parametrize("peer", [None, "", "/run/focys.sock", "testclient"])
def test_a_peer_without_an_address_is_unknown_and_trusted_with_nothing(peer: str | None):
    assert client_address(peer, "198.51.100.1", PROXIES) == "unknown"


def test_no_proxy_is_trusted_unless_it_is_named():
    """CFG-03."""
    assert client_address("127.0.0.1", "198.51.100.1", []) == "127.0.0.1"


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
def test_limits_count_an_ipv4_address_or_an_ipv6_site(address: str, source: str):
    """LOCK-10."""
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
async def test_a_client_cannot_choose_its_address_by_sending_the_header_itself(make_world: MakeWorld, lines):
    """CFG-03, LOCK-10."""
    async with make_world(trusted_proxies=[ip_network("192.0.2.1")]) as world:
        browser = world.a_browser("192.0.2.1")

        await browser.post("/auth/login", {"email": "nobody@student.com", "password": "x"}, headers=lines)

        assert [row.source for row in await rows_of(world, audit_events)] == ["203.0.113.9"]


async def test_thirty_failures_of_one_site_limit_it_whatever_header_each_of_them_sends(make_world: MakeWorld):
    """LOCK-10: mapped forms and addresses of one /64 are one source."""
    async with make_world() as world:
        for i in range(30):
            browser = world.a_browser(f"2001:db8::{i + 1:x}")
            headers = {"X-Forwarded-For": f"203.0.113.{i}"}
            body = {"email": f"someone{i % 6}@student.com", "password": "wrong"}
            assert (await browser.post("/auth/login", body, headers=headers)).status_code == 401

        body = {"email": "fresh@student.com", "password": "wrong"}
        limited = await world.a_browser("2001:db8::ffff").post("/auth/login", body)
        elsewhere = await world.a_browser("2001:db8:0:1::1").post("/auth/login", body)

    assert limited.json()["code"] == "throttled"
    assert elsewhere.json()["code"] == "invalid_credentials"
