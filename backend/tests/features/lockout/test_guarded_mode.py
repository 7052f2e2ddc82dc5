"""Guarded mode over HTTP: what still opens the account, how often, and what ends it."""

from datetime import timedelta

import pytest

from focys.features.accounts import users
from focys.features.lockout import second_factor_failures
from tests.support.attempts import (
    WRONG_BACKUP_CODE,
    at_enrollment,
    confirm,
    fail,
    offer_pair,
    offer_wrong,
    pair,
    strangers_failed,
    use_backup_code,
    wrong_code,
)
from tests.support.rows import count_of, rows_of
from tests.support.service import OPERATOR, Account, World

NEW_PASSWORD = "seven-quiet-lanterns-41"


@pytest.fixture
async def guarded(world: World) -> Account:
    """An account after fifteen failures of strangers."""
    account = await world.an_account(enrolled=True)
    await strangers_failed(world, account, 15, ago=timedelta(days=2))
    world.clock.advance(minutes=1)
    return account


async def test_guarded_mode_accepts_a_pair_but_no_single_code(world: World, guarded: Account):
    """LOCK-06: a right single code is not even counted; the pair signs in."""
    failures = await count_of(world, second_factor_failures)
    browser = await world.at_second_factor(guarded)
    state = (await browser.get("/auth/status")).json()["login"]
    assert (state["guarded"], state["tries_left"], state["retry_after"]) == (True, None, None)

    single = await browser.offer(guarded.code(world.clock))
    assert (single.status_code, single.json()["code"]) == (409, "guarded")
    assert await count_of(world, second_factor_failures) == failures

    assert (await offer_pair(browser, pair(guarded, world))).status_code == 200


async def test_guarded_mode_accepts_a_backup_code(world: World, guarded: Account):
    browser = await world.at_second_factor(guarded)

    assert (await use_backup_code(browser, guarded.backup_codes[0])).status_code == 200


async def test_guarded_mode_accepts_only_consecutive_current_codes(world: World, guarded: Account):
    """LOCK-06: two codes in a row, the newer of them in the window; each wrong pair is a failure."""
    world.clock.advance(minutes=5)
    browser = await world.at_second_factor(guarded)
    failures = await count_of(world, second_factor_failures)
    older, newer = pair(guarded, world)["codes"]
    no_pairs = {
        "reversed": [newer, older],
        "twice the same": [newer, newer],
        "two apart": [guarded.code(world.clock, -2), newer],
        "too old": pair(guarded, world, -2)["codes"],
        "too early": pair(guarded, world, 2)["codes"],
        "half right": [wrong_code(guarded, world), newer],
    }

    for kind, codes in no_pairs.items():
        response = await offer_pair(browser, {"codes": codes})
        assert (response.status_code, response.json()["code"]) == (401, "invalid_code"), kind

    assert await count_of(world, second_factor_failures) == failures + len(no_pairs)
    assert (await offer_pair(browser, pair(guarded, world))).status_code == 200


async def test_a_pair_uses_up_both_codes(world: World, guarded: Account):
    """LOCK-06, TOTP-04: neither the pair nor one that overlaps it works again."""
    browser = await world.at_second_factor(guarded)
    used = pair(guarded, world)
    assert (await offer_pair(browser, used)).status_code == 200

    stranger = await world.at_second_factor(guarded)
    assert (await offer_pair(stranger, used)).json()["code"] == "invalid_code"
    assert (await offer_pair(stranger, pair(guarded, world, 1))).json()["code"] == "invalid_code"
    world.clock.advance(seconds=60)
    assert (await offer_pair(stranger, pair(guarded, world))).status_code == 200


async def test_guarded_tries_are_limited_per_network(world: World, guarded: Account):
    """LOCK-06: ten an hour of one network; another network is not held up."""
    world.clock.advance(hours=1)
    for i in range(11):
        browser = await world.at_second_factor(guarded, world.a_browser("203.0.113.5"))
        response = await offer_wrong(world, guarded, browser)
        assert response.json()["code"] == ("invalid_code" if i < 10 else "account_locked"), i
    assert response.json()["retry_after"] == 3600

    owner = await world.at_second_factor(guarded, world.a_browser("198.51.100.9"))
    assert (await offer_pair(owner, pair(guarded, world))).status_code == 200


async def test_guarded_tries_are_limited_per_account(world: World, guarded: Account):
    """LOCK-06: sixty an hour from all networks; then pairs wait, at most an hour; backup codes never do (AVL-08)."""
    await strangers_failed(world, guarded, 59, ago=timedelta(0), strong=True)
    browser = await world.at_second_factor(guarded, world.a_browser("203.0.113.5"))
    response = await offer_wrong(world, guarded, browser)
    assert (response.json()["code"], response.json()["retry_after"]) == ("account_locked", 3600)

    owner = await world.at_second_factor(guarded, world.a_browser("198.51.100.9"))
    state = (await owner.get("/auth/login")).json()
    assert (state["guarded"], state["retry_after"]) == (True, 3600)
    assert (await offer_pair(owner, pair(guarded, world))).json()["code"] == "account_locked"
    assert (await use_backup_code(owner, guarded.backup_codes[0])).status_code == 200
    world.clock.advance(hours=1)
    stranger = await world.at_second_factor(guarded)
    assert (await offer_pair(stranger, pair(guarded, world))).status_code == 200


async def test_backup_codes_are_limited_per_network(world: World, guarded: Account):
    """LOCK-06: ten an hour from one network, including pairs."""
    await strangers_failed(world, guarded, 9, ago=timedelta(0), strong=True, network="203.0.113.5")
    browser = await world.at_second_factor(guarded, world.a_browser("203.0.113.5"))

    tenth = await use_backup_code(browser, WRONG_BACKUP_CODE)
    eleventh = await use_backup_code(browser, guarded.backup_codes[0])

    assert (tenth.status_code, tenth.json()["code"]) == (401, "invalid_code")
    assert (eleventh.json()["code"], eleventh.json()["retry_after"]) == ("account_locked", 3600)
    owner = await world.at_second_factor(guarded, world.a_browser("198.51.100.9"))
    assert (await use_backup_code(owner, guarded.backup_codes[0])).status_code == 200


async def test_a_hundred_failures_disable_strangers_pairs(world: World, guarded: Account):
    """LOCK-06, AVL-08 (NIST SP 800-63B section 3.2.2): a backup code still works, and so does the owner's browser."""
    home = await world.at_second_factor(guarded, world.a_browser("198.51.100.9"))
    assert (await offer_pair(home, pair(guarded, world))).status_code == 200
    world.clock.advance(minutes=1)
    await strangers_failed(world, guarded, 84, ago=timedelta(hours=2), strong=True)
    stranger = await world.at_second_factor(guarded)
    assert (await offer_wrong(world, guarded, stranger)).json()["code"] == "invalid_code"

    refused = await offer_pair(stranger, pair(guarded, world))

    assert (refused.status_code, refused.json()["code"]) == (403, "factor_disabled")
    assert (await stranger.offer(guarded.code(world.clock))).json()["code"] == "guarded"
    world.clock.advance(days=30)
    stranger = await world.at_second_factor(guarded)
    assert (await offer_pair(stranger, pair(guarded, world))).json()["code"] == "factor_disabled"
    assert (await (await world.at_second_factor(guarded, home)).offer(guarded.code(world.clock))).status_code == 200
    assert (await use_backup_code(stranger, guarded.backup_codes[0])).status_code == 200


@pytest.mark.parametrize(
    ("spent", "network"),
    [(60, "203.0.113.99"), (10, "192.0.2.1"), (85, "203.0.113.99")],
    ids=["sixty of all networks", "ten of this network", "a hundred in all"],
)
async def test_a_new_password_resets_the_allowance(world: World, guarded: Account, spent: int, network: str):
    """LOCK-06, LOCK-07: later failures come from people who know the new password; earlier ones do not count."""
    await strangers_failed(world, guarded, spent, ago=timedelta(minutes=1), strong=True, network=network)
    browser = await world.at_second_factor(guarded)
    refused = await offer_pair(browser, pair(guarded, world))
    assert refused.json()["code"] in {"account_locked", "factor_disabled"}

    guarded.password = NEW_PASSWORD
    await world.services.administration.set_password(guarded.email, NEW_PASSWORD, OPERATOR)
    browser = await world.at_second_factor(guarded)

    assert (await offer_pair(browser, pair(guarded, world))).status_code == 200


async def test_a_new_password_alone_does_not_end_guarded_mode(world: World, guarded: Account):
    """LOCK-07: only a whole two-factor sign-in after the change refills the budget."""
    await world.services.administration.set_password(guarded.email, NEW_PASSWORD, OPERATOR)
    guarded.password = NEW_PASSWORD
    world.clock.advance(minutes=1)

    browser = await world.at_second_factor(guarded)
    assert (await browser.offer(guarded.code(world.clock))).json()["code"] == "guarded"
    assert (await offer_pair(browser, pair(guarded, world))).status_code == 200

    stranger = await world.at_second_factor(guarded)
    state = (await stranger.get("/auth/login")).json()
    assert (state["guarded"], state["tries_left"]) == (False, 5)


async def test_a_sign_in_without_a_new_password_does_not_end_guarded_mode(world: World, guarded: Account):
    """LOCK-05, LOCK-07: the owner is in, strangers stay guarded."""
    browser = await world.at_second_factor(guarded)
    assert (await offer_pair(browser, pair(guarded, world))).status_code == 200
    world.clock.advance(minutes=1)

    assert (await (await world.at_second_factor(guarded)).get("/auth/login")).json()["guarded"] is True
    assert (await (await world.at_second_factor(guarded, browser)).get("/auth/login")).json()["guarded"] is False


async def test_the_sign_in_clears_no_failures_since_the_new_password(world: World, guarded: Account):
    """LOCK-07: what is cleared is older than the change; pairs that failed since then still use up their allowance."""
    await world.services.administration.set_password(guarded.email, NEW_PASSWORD, OPERATOR)
    guarded.password = NEW_PASSWORD
    world.clock.advance(minutes=1)
    await fail(world, guarded, 2, world.a_browser("203.0.113.5"))

    owner = await world.at_second_factor(guarded, world.a_browser("198.51.100.9"))
    assert (await offer_pair(owner, pair(guarded, world))).status_code == 200
    assert [row.strong for row in await rows_of(world, second_factor_failures)] == [True, True]
    await fail(world, guarded, 2, world.a_browser("203.0.113.5"))
    world.clock.advance(minutes=1)
    await world.signed_in(guarded, world.a_browser("198.51.100.10"))

    stranger = await world.at_second_factor(guarded, world.a_browser("203.0.113.5"))
    assert (await stranger.get("/auth/login")).json()["tries_left"] == 3


async def test_a_factor_reset_clears_no_failures(world: World, guarded: Account):
    """LOCK-07, FLOW-08: anyone who proves the mailbox and enrolls again stands before the same ledger."""
    await world.reset_mfa(guarded)
    browser = await at_enrollment(world, guarded)
    assert (await confirm(browser, guarded.code(world.clock))).status_code == 200
    world.clock.advance(seconds=60)

    stranger = await world.at_second_factor(guarded, world.a_browser("203.0.113.5"))

    assert (await stranger.get("/auth/login")).json()["guarded"] is True


async def test_an_operator_can_unlock_a_guarded_account(world: World, guarded: Account):
    await world.services.administration.unlock(guarded.email, OPERATOR)

    browser = await world.at_second_factor(guarded)

    assert (await browser.get("/auth/login")).json()["tries_left"] == 5
    assert await rows_of(world, second_factor_failures) == []
    assert (await rows_of(world, users))[0].mfa_enabled
