"""The limits of a network, and the number of accounts tried from a range of addresses."""

from ipaddress import ip_network

import pytest

from focys.domain.networks import NetworkLimit, NetworkLimits, most_accounts_tried

USUAL, OWN = NetworkLimit(30, 20), NetworkLimit(600, 1000)
LIMITS = NetworkLimits(
    USUAL, OWN, tuple(map(ip_network, ("198.51.100.0/24", "203.0.113.7/32", "2001:db8:1::/48", "2001:db8:2:3::/64")))
)


def test_the_guides_numbers_are_the_defaults():
    assert (NetworkLimits().usual, NetworkLimits().own) == (USUAL, OWN)
    assert not NetworkLimits().is_own("203.0.113.7")


@pytest.mark.parametrize(
    ("source", "is_own"),
    [
        ("198.51.100.200", True),
        ("198.51.101.1", False),
        ("203.0.113.7", True),
        ("203.0.113.8", False),
        ("2001:db8:1:ffff::/64", True),
        ("2001:db8:2:3::/64", True),
        ("2001:db8:2:4::/64", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_an_own_network_has_the_higher_limits(source: str, *, is_own: bool):
    assert LIMITS.is_own(source) is is_own
    assert LIMITS.of(source) == (OWN if is_own else USUAL)


def test_accounts_are_counted_over_a_range_of_addresses():
    """LOG-06: 120 accounts from 60 addresses of one /24."""
    tried = [(f"account {i}", f"192.0.2.{i // 2}") for i in range(120)]

    assert most_accounts_tried(tried, LIMITS) == 120


def test_an_account_counts_once_however_many_addresses_try_it():
    tried = [("alice", f"192.0.2.{i}") for i in range(60)]

    assert most_accounts_tried(tried, LIMITS) == 1


def test_the_busiest_range_counts_and_others_are_not_added():
    one = [(f"a{i}", "192.0.2.1") for i in range(5)]
    next_to_it = [(f"b{i}", "192.0.3.1") for i in range(7)]

    assert most_accounts_tried([*one, *next_to_it], LIMITS) == 7


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("2001:db8:9:1::/64", "2001:db8:9:2::/64", 2),
        ("2001:db8:9:1::/64", "2001:db8:a:1::/64", 1),
        ("192.0.2.1", "2001:db8:9:1::/64", 1),
    ],
)
def test_an_ipv6_range_is_a_48(first: str, second: str, together: int):
    assert most_accounts_tried([("alice", first), ("bob", second)], LIMITS) == together


@pytest.mark.parametrize("source", ["198.51.100.1", "2001:db8:1:2::/64", "unknown", "0123456789abcdef0123456789abcdef"])
def test_own_networks_known_browsers_and_unknown_sources_are_left_out(source: str):
    assert most_accounts_tried([(f"account {i}", source) for i in range(9)], LIMITS) == 0


def test_no_tries_count_as_zero():
    assert most_accounts_tried([], LIMITS) == 0
