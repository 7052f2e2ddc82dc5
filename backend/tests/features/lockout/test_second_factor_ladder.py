"""The locks over HTTP: five, ten, fifteen failures; whose failures they are; and what forgives them."""

from datetime import timedelta

import pytest

from focys.features.lockout import second_factor_failures
from tests.conftest import MakeWorld
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
    wait_until_open,
    wrong_code,
)
from tests.support.clock import NOON, FrozenClock
from tests.support.rows import count_of, rows_of
from tests.support.service import World


async def test_five_ten_and_fifteen_failures_lock_and_guard(world: World):
    """LOCK-03, LOCK-04: 5 failures close it for 15 minutes, 10 for 60, at 15 one code is no longer enough."""
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    told = []

    for _ in range(15):
        await wait_until_open(world, account, browser)
        response = (await offer_wrong(world, account, browser)).json()
        told.append((response["code"], *(response.get(name) for name in ("tries_left", "next_pause", "retry_after"))))
        state = (await browser.get("/auth/login")).json()
        assert (state["tries_left"], state["next_pause"]) == told[-1][1:3]

    def counting_down(next_pause: int | None) -> list[tuple[str, int, int | None, None]]:
        return [("invalid_code", left, next_pause, None) for left in (4, 3, 2, 1)]

    assert told[:5] == [*counting_down(900), ("account_locked", None, None, 900)]
    assert told[5:10] == [*counting_down(3600), ("account_locked", None, None, 3600)]
    assert told[10:] == [*counting_down(None), ("invalid_code", None, None, None)]
    assert (await browser.get("/auth/login")).json()["guarded"] is True


async def test_a_lock_refuses_single_codes_and_nothing_extends_it(world: World):
    """LOCK-03: and the response has the guide's words, the status and the header."""
    account = await world.an_account(enrolled=True)
    browser = await fail(world, account, 5)
    failures = await count_of(world, second_factor_failures)

    for minute in range(1, 15):
        world.clock.advance(minutes=1)
        browser = await world.at_second_factor(account)
        offers = [await browser.offer(account.code(world.clock)), await browser.offer(wrong_code(account, world))]
        assert {offer.json()["code"] for offer in offers} == {"account_locked"}
        assert {offer.headers["Retry-After"] for offer in offers} == {str((15 - minute) * 60)}
        left = "1 minute" if minute == 14 else f"{15 - minute} minutes"
        told = f"Account locked after too many wrong codes. Try again in {left}."
        assert {offer.json()["detail"] for offer in offers} == {told}
        assert (await browser.get("/auth/status")).json()["login"]["retry_after"] == (15 - minute) * 60

    assert await count_of(world, second_factor_failures) == failures
    world.clock.advance(minutes=1)
    assert (await browser.offer(account.code(world.clock))).status_code == 200


@pytest.mark.parametrize("failures", [5, 10])
async def test_a_lock_does_not_affect_pairs_and_backup_codes(world: World, failures: int):
    """LOCK-03, AVL-08: someone with the password can lock single codes, but never lock the owner out."""
    account = await world.an_account(enrolled=True)
    await strangers_failed(world, account, failures, ago=timedelta(0))
    world.clock.advance(minutes=1)
    first, second = await world.at_second_factor(account), await world.at_second_factor(account)
    assert (await first.offer(account.code(world.clock))).json()["code"] == "account_locked"

    with_a_pair = await offer_pair(first, pair(account, world))
    with_a_backup_code = await use_backup_code(second, account.backup_codes[0])

    assert (with_a_pair.status_code, with_a_backup_code.status_code) == (200, 200)
    stranger = await world.at_second_factor(account)
    assert (await stranger.offer(account.code(world.clock, 1))).json()["code"] == "account_locked"


@pytest.mark.parametrize(("failures", "minutes"), [(5, 15), (10, 60)])
async def test_failed_strong_proofs_do_not_change_a_lock(world: World, failures: int, minutes: int):
    """LOCK-03, LOCK-04: they neither extend nor shorten this one, and bring the next one no nearer."""
    account = await world.an_account(enrolled=True)
    await strangers_failed(world, account, failures, ago=timedelta(0))
    wrong = wrong_code(account, world)

    for minute in range(1, 8):
        world.clock.advance(minutes=1)
        browser = await world.at_second_factor(account, world.a_browser(f"203.0.113.{minute}"))
        offers = [
            await offer_pair(browser, {"codes": [wrong, wrong]}),
            await use_backup_code(browser, WRONG_BACKUP_CODE),
        ]
        assert [(offer.status_code, offer.json()["code"]) for offer in offers] == [(401, "invalid_code")] * 2
        assert not any({"tries_left", "retry_after"} & offer.json().keys() for offer in offers)
        state = (await browser.get("/auth/login")).json()
        assert (state["guarded"], state["retry_after"]) == (False, (minutes - minute) * 60)

    rows = await rows_of(world, second_factor_failures)
    assert sorted(row.strong for row in rows) == [False] * failures + [True] * 14
    world.clock.advance(minutes=minutes - 7)
    browser = await world.at_second_factor(account)
    assert (await offer_wrong(world, account, browser)).json()["tries_left"] == 4


async def test_a_hundred_failures_disable_pairs_during_a_lock(world: World):
    """LOCK-06, AVL-08 (NIST SP 800-63B section 3.2.2)."""
    account = await world.an_account(enrolled=True)
    await strangers_failed(world, account, 90, ago=timedelta(days=1), strong=True)
    await strangers_failed(world, account, 10, ago=timedelta(0))
    browser = await world.at_second_factor(account)

    refused = await offer_pair(browser, pair(account, world))

    assert (refused.status_code, refused.json()["code"]) == (403, "factor_disabled")
    assert (await browser.offer(account.code(world.clock))).json()["code"] == "account_locked"
    assert (await use_backup_code(browser, account.backup_codes[0])).status_code == 200


async def test_codes_pairs_and_backup_codes_count_together(world: World):
    """BKP-04: two wrong codes, a wrong pair and two wrong backup codes lock."""
    account = await world.an_account(enrolled=True)
    browser = await fail(world, account, 2)
    wrong = wrong_code(account, world)

    third = await offer_pair(browser, {"codes": [wrong, wrong]})
    fourth = await use_backup_code(browser, WRONG_BACKUP_CODE)
    fifth = await use_backup_code(browser, WRONG_BACKUP_CODE)

    assert (third.json()["code"], third.json()["tries_left"]) == ("invalid_code", 2)
    assert (fourth.json()["code"], fourth.json()["tries_left"]) == ("invalid_code", 1)
    assert fifth.json()["code"] == "account_locked"
    assert (await browser.offer(account.code(world.clock))).json()["code"] == "account_locked"


async def test_wrong_first_codes_end_only_their_login(world: World):
    """TOTP-11: the secret is on screen, so there is nothing to guess; a new login gives five new tries."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)

    told = [(await confirm(browser, wrong_code(account, world))).json() for _ in range(5)]
    sixth = await confirm(browser, account.code(world.clock))

    assert [response.get("tries_left") for response in told] == [4, 3, 2, 1, None]
    assert (told[4]["code"], told[4]["retry_after"]) == ("account_locked", 900)
    assert (sixth.status_code, sixth.json()["code"], sixth.json()["retry_after"]) == (429, "account_locked", 900)
    assert await count_of(world, second_factor_failures) == 0
    browser = await at_enrollment(world, account, world.a_browser("198.51.100.9"))
    assert (await confirm(browser, wrong_code(account, world))).json()["tries_left"] == 4
    assert (await confirm(browser, account.code(world.clock))).status_code == 200


async def test_an_old_code_counts_as_a_failure_and_a_used_one_does_not(world: World):
    """TOTP-14: an old code is a failure, a spent one of the window is none."""
    account = await world.an_account(enrolled=True)
    world.clock.advance(minutes=2)
    browser = await world.at_second_factor(account)

    old = (await browser.offer(account.code(world.clock, -3))).json()
    await browser.offer(account.code(world.clock))
    browser = await world.at_second_factor(account)
    spent = (await browser.offer(account.code(world.clock))).json()

    assert (old["code"], old["tries_left"]) == ("code_expired", 4)
    assert (spent["code"], spent["tries_left"]) == ("code_already_used", 5)


async def test_failures_count_across_services_and_restarts(make_world: MakeWorld):
    """LOCK-01: guesses are spread over two services, then a third one is started."""
    clock = FrozenClock()
    async with make_world(clock=clock) as one, make_world(clock=clock) as two:
        account = await one.an_account(enrolled=True)
        for world in (one, two, two, one, two):
            await fail(world, account, 1)

    async with make_world(clock=clock) as restarted:
        browser = await restarted.at_second_factor(account)
        response = await browser.offer(account.code(clock))

    assert (response.json()["code"], response.json()["retry_after"]) == ("account_locked", 900)


@pytest.mark.parametrize(
    ("minutes_ahead", "told"),
    [(10, ("account_locked", None, 900)), (60, ("invalid_code", 4, None))],
)
async def test_a_wrong_clock_makes_no_lock_longer(
    make_world: MakeWorld, minutes_ahead: int, told: tuple[str, int | None, int | None]
):
    """LOCK-14: failures from ahead count, and lock for no longer than their rung; those from far ahead lock nothing."""
    ahead, right = FrozenClock(NOON + timedelta(minutes=minutes_ahead)), FrozenClock()
    async with make_world(clock=right) as world, make_world(clock=ahead) as skewed:
        account = await world.an_account(enrolled=True)
        await fail(skewed, account, 5)

        browser = await world.at_second_factor(account)
        response = (await offer_wrong(world, account, browser)).json()

        assert (response["code"], response.get("tries_left"), response.get("retry_after")) == told


async def test_another_browsers_success_clears_no_failures(world: World):
    """LOCK-05: the owner signs in daily, on a browser of his own; the strangers' guesses stay counted."""
    account = await world.an_account(enrolled=True)
    owner, _ = await world.signed_in(account, world.a_browser("198.51.100.9"))

    for day in range(3):
        await fail(world, account, 1, world.a_browser("203.0.113.5"))
        await world.signed_in(account, owner)
        world.clock.advance(days=1, seconds=day)

    stranger = await world.at_second_factor(account, world.a_browser("203.0.113.5"))
    assert (await stranger.get("/auth/login")).json()["tries_left"] == 2


async def test_strangers_have_fifteen_guesses_a_year(world: World):
    """LOCK-05: however slowly they come; 365 days later the first of them no longer counts."""
    account = await world.an_account(enrolled=True)
    examined = 0
    for _ in range(24):
        browser = await world.at_second_factor(account, world.a_browser("203.0.113.5"))
        response = await browser.offer(wrong_code(account, world))
        examined += response.json()["code"] == "invalid_code" or response.json().get("retry_after") in {900, 3600}
        world.clock.advance(days=15)

    assert examined == 15
    world.clock.advance(days=6)
    browser = await world.at_second_factor(account, world.a_browser("203.0.113.5"))
    assert (await browser.get("/auth/login")).json()["guarded"] is False
