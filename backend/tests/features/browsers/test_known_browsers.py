"""Known browsers: who becomes one, what it is worth, and when it is a stranger again."""

from datetime import timedelta

import pytest

from focys.features.browsers import browsers
from focys.infra.crypto.tokens import digest
from tests.support.attempts import fail, offer_wrong, strangers_failed, use_backup_code
from tests.support.jar import KNOWN, cookie, put
from tests.support.rows import count_of, rows_of
from tests.support.service import OPERATOR, Account, Browser, World


async def tries_left(world: World, account: Account, browser: Browser) -> int | None:
    await world.at_second_factor(account, browser)
    left: int | None = (await browser.get("/auth/login")).json()["tries_left"]
    return left


async def test_a_known_browser_is_stored_as_a_hash_of_its_cookie(world: World):
    account = await world.an_account(enrolled=True)
    known = await count_of(world, browsers)
    browser = await world.at_second_factor(account)

    done = await browser.offer(account.code(world.clock))

    given = next(c for c in done.headers.get_list("set-cookie") if c.startswith(KNOWN))
    assert f"Max-Age={400 * 24 * 3600}" in given
    assert "HttpOnly" in given
    assert digest(cookie(browser, KNOWN)) in {row.token_hash for row in await rows_of(world, browsers)}
    assert await count_of(world, browsers) == known + 1


async def test_a_browser_keeps_its_token_across_sign_ins(world: World):
    account = await world.an_account(enrolled=True)
    browser, _ = await world.signed_in(account)
    token, known = cookie(browser, KNOWN), await count_of(world, browsers)

    await browser.post("/auth/logout")
    await world.signed_in(account, browser)

    assert cookie(browser, KNOWN) == token
    assert await count_of(world, browsers) == known


async def test_known_browser_and_strangers_are_locked_separately(world: World):
    """LOCK-05, AVL-08: each bucket counts for itself."""
    account = await world.an_account(enrolled=True)
    owner, _ = await world.signed_in(account, world.a_browser("198.51.100.9"))
    await strangers_failed(world, account, 15, ago=timedelta(days=1))
    assert await tries_left(world, account, owner) == 5

    await fail(world, account, 5, owner)

    assert (await owner.offer(account.code(world.clock))).json()["code"] == "account_locked"
    stranger = await world.at_second_factor(account)
    assert (await stranger.get("/auth/login")).json()["guarded"] is True


async def test_a_success_clears_the_failures_of_its_browser(world: World):
    account = await world.an_account(enrolled=True)
    owner, _ = await world.signed_in(account)
    await fail(world, account, 4, owner)

    await world.signed_in(account, owner)

    assert await tries_left(world, account, owner) == 5


async def test_a_success_on_a_new_browser_clears_only_its_own_failures(world: World):
    """LOCK-05: those of the login it completed; other strangers' stay."""
    account = await world.an_account(enrolled=True)
    await fail(world, account, 2, world.a_browser("203.0.113.5"))
    new = await fail(world, account, 2, world.a_browser("198.51.100.9"))

    assert (await new.offer(account.code(world.clock))).status_code == 200

    assert await tries_left(world, account, world.a_browser()) == 3
    assert await tries_left(world, account, new) == 5


@pytest.mark.parametrize("change", ["password", "factor", "disabled and enabled"])
async def test_a_credential_change_makes_every_browser_unknown(world: World, change: str):
    """SESS-13, LOCK-07: its cookie selects no bucket of its own until it has signed in again."""
    account = await world.an_account(enrolled=True)
    owner, _ = await world.signed_in(account)
    await change_of(world, account, change)
    await strangers_failed(world, account, 5, ago=timedelta(0))

    await world.at_second_factor(account, owner)

    assert (await owner.offer(account.code(world.clock))).json()["code"] == "account_locked"


async def test_a_browser_known_to_two_accounts_counts_separately(world: World):
    """SESS-13: by a separate token for each, in one cookie."""
    alice = await world.an_account(enrolled=True)
    bob = await world.an_account("bob@student.com", enrolled=True)
    browser, _ = await world.signed_in(alice)
    first = cookie(browser, KNOWN)
    await world.signed_in(bob, browser)
    kept, second = cookie(browser, KNOWN).split(".")
    assert kept == first != second

    await fail(world, alice, 2, browser)

    assert await tries_left(world, alice, browser) == 3
    assert await tries_left(world, bob, browser) == 5


async def test_a_browser_keeps_the_three_most_recent_accounts(world: World):
    """SESS-13: a cookie holds only three; a daily user is not forgotten in favor of people who came once."""
    names = ("alice", "bob", "carol", "dave")
    alice, bob, carol, dave = [await world.an_account(f"{name}@student.com", enrolled=True) for name in names]
    browser = world.a_browser()
    for account in (alice, bob, carol, alice, dave):
        await world.signed_in(account, browser)
    for account in (alice, bob, carol, dave):
        await strangers_failed(world, account, 15, ago=timedelta(days=1))

    left = [await tries_left(world, account, browser) for account in (alice, bob, carol, dave)]

    assert len(cookie(browser, KNOWN).split(".")) == 3
    assert left == [5, None, 5, 5]


async def test_a_copied_cookie_is_unknown_to_the_next_user(world: World):
    """SESS-13, LOCK-05, LOCK-09: the browser's previous user counts as a stranger to other accounts."""
    alice = await world.an_account(enrolled=True)
    bob = await world.an_account("bob@student.com", enrolled=True)
    browser, _ = await world.signed_in(alice)
    copy = put(world.a_browser("203.0.113.5"), cookie(browser, KNOWN), KNOWN)
    await world.signed_in(bob, browser)

    await fail(world, bob, 2, copy)
    for _ in range(5):
        await copy.post("/auth/login", {"email": bob.email, "password": "wrong-horse-battery-77"})

    assert await tries_left(world, bob, world.a_browser()) == 3
    assert await tries_left(world, bob, browser) == 5
    throttled = await copy.sign_in_with_password(bob)
    assert throttled.json()["code"] == "throttled"


@pytest.mark.parametrize("change", ["password", "factor", "disabled and enabled"])
async def test_an_old_copy_of_the_cookie_stays_unknown(world: World, change: str):
    """SESS-13, LOCK-07: the browser has a new token after a change of a credential."""
    account = await world.an_account(enrolled=True)
    owner, _ = await world.signed_in(account)
    old = cookie(owner, KNOWN)
    await change_of(world, account, change)
    await world.signed_in(account, owner)
    await strangers_failed(world, account, 15, ago=timedelta(days=1))

    copy = put(world.a_browser("203.0.113.5"), old, KNOWN)

    assert await tries_left(world, account, copy) is None
    assert await tries_left(world, account, owner) == 5
    assert digest(old) not in {row.token_hash for row in await rows_of(world, browsers)}


async def change_of(world: World, account: Account, change: str) -> None:
    """Make a change that makes every browser a stranger; the account can then sign in again."""
    act = world.services.administration
    if change == "password":
        account.password = "seven-quiet-lanterns-41"
        await act.set_password(account.email, account.password, OPERATOR)
    elif change == "factor":
        await world.reset_mfa(account)
        world.clock.advance(minutes=20)
        await world.enroll(account, world.a_browser())
    else:
        for disabled in (True, False):
            await world.services.accounts.set_disabled(account.email, OPERATOR, disabled=disabled)


MALFORMED = ["", "x", "z" * 5000, "A" * 42, "A" * 44, "...", ".".join("xyz"), "A" * 42 + "."]


@pytest.mark.parametrize("value", MALFORMED)
async def test_malformed_tokens_are_dropped_from_the_cookie(world: World, value: str):
    account = await world.an_account(enrolled=True)

    browser, _ = await world.signed_in(account, put(world.a_browser(), value, KNOWN))

    assert len(cookie(browser, KNOWN)) == 43
    assert digest(cookie(browser, KNOWN)) in {row.token_hash for row in await rows_of(world, browsers)}


@pytest.mark.parametrize(
    "value", ["A" * 43, ".".join(["A" * 43, "B" * 43, "C" * 43]), ".".join("ABCDEFGH"[i] * 43 for i in range(8))]
)
async def test_an_invented_token_is_unknown(world: World, value: str):
    """SESS-13: nobody can plant a browser cookie; the account gets a new token beside it."""
    account = await world.an_account(enrolled=True)
    planted = value.split(".")

    browser, _ = await world.signed_in(account, put(world.a_browser(), value, KNOWN))

    *left, own = cookie(browser, KNOWN).split(".")
    assert set(left) <= set(planted)
    assert len(left) <= 2
    assert own not in planted
    known = {row.token_hash for row in await rows_of(world, browsers)}
    assert digest(own) in known
    assert not known & {digest(token) for token in planted}
    await strangers_failed(world, account, 15, ago=timedelta(days=1))
    assert await tries_left(world, account, put(world.a_browser(), value, KNOWN)) is None
    assert await tries_left(world, account, browser) == 5


async def test_failures_count_for_the_browser_that_guesses(world: World):
    """LOCK-05: a stolen login token without the browser's cookie is a stranger's."""
    account = await world.an_account(enrolled=True)
    owner, _ = await world.signed_in(account)
    await world.at_second_factor(account, owner)

    thief = put(world.a_browser("203.0.113.5"), cookie(owner))
    response = await offer_wrong(world, account, thief)

    assert response.json()["tries_left"] == 4
    assert (await owner.get("/auth/login")).json()["tries_left"] == 5


async def test_a_backup_code_makes_a_browser_known(world: World):
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    await use_backup_code(browser, account.backup_codes[0])
    await fail(world, account, 3, world.a_browser("203.0.113.5"))

    assert await tries_left(world, account, browser) == 5
