"""Anyone who has no backup code left is shown new ones at the next sign-in with the app."""

from asyncio import gather
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from focys.features.backup_codes import backup_codes
from focys.features.outbox import outbox
from focys.infra.crypto.hashing import BusyError, Hasher
from tests.support.attempts import pair, strangers_failed, use_backup_code, wrong_code
from tests.support.numbers import hashes_computed
from tests.support.rows import count_of, execute, rows_of
from tests.support.service import Account, World
from tests.support.statements import statements_of


async def without_codes(world: World) -> Account:
    """An account as the guide's earlier version left it: an authenticator and never a backup code."""
    account = await world.an_account(enrolled=True)
    await execute(world, "DELETE FROM backup_codes")
    return account


async def test_an_account_without_codes_gets_ten_at_the_next_sign_in(world: World):
    """AVL-09, BKP-01: also how accounts of the guide's earlier version come by theirs."""
    account = await without_codes(world)
    browser = await world.at_second_factor(account)

    first = (await browser.offer(account.code(world.clock))).json()
    world.clock.advance(seconds=30)
    second = (await (await world.at_second_factor(account)).offer(account.code(world.clock))).json()
    spent = await use_backup_code(await world.at_second_factor(account), first["backup_codes"][7])

    assert len(set(first["backup_codes"])) == 10
    assert set(first["backup_codes"]).isdisjoint(account.backup_codes)
    assert first["user"]["backup_codes_left"] == second["user"]["backup_codes_left"] == 10
    assert "backup_codes" not in second
    assert spent.json()["backup_codes_left"] == 9
    assert "backup_codes" not in spent.json()


async def test_new_codes_are_stored_as_hashes_and_emailed_about(world: World):
    account = await without_codes(world)

    shown = (await (await world.at_second_factor(account)).offer(account.code(world.clock))).json()["backup_codes"]
    await world.deliver()

    rows = await rows_of(world, backup_codes)
    assert [row.code_hash[:10] for row in rows] == ["$argon2id$"] * 10
    emails = [row for row in await rows_of(world, outbox) if row.kind == "backup_codes_renewed"]
    assert [row.user_id for row in emails] == [account.id]
    [email] = [email for _, email in world.mail.emails if "new backup codes" in email.subject]
    assert not [code for code in shown if code in f"{email} {emails[0].about}"]


async def test_a_new_set_is_issued_only_when_no_code_is_left(world: World):
    account = await world.an_account(enrolled=True)
    browser = world.a_browser()
    for code in account.backup_codes[:9]:
        assert (await use_backup_code(await world.at_second_factor(account, browser), code)).status_code == 200

    with_one = (await (await world.at_second_factor(account)).offer(account.code(world.clock))).json()
    world.clock.advance(seconds=30)
    await use_backup_code(await world.at_second_factor(account, browser), account.backup_codes[9])
    with_none = (await (await world.at_second_factor(account)).offer(account.code(world.clock))).json()

    assert (with_one["user"]["backup_codes_left"], "backup_codes" in with_one) == (1, False)
    assert len(with_none["backup_codes"]) == 10
    assert await count_of(world, backup_codes) == 10


async def test_a_pair_in_guarded_mode_issues_a_new_set(world: World):
    account = await without_codes(world)
    await strangers_failed(world, account, 15, ago=timedelta(days=1))

    response = await (await world.at_second_factor(account)).post("/auth/totp/verify", pair(account, world, newest=1))

    assert len(response.json()["backup_codes"]) == 10


async def test_a_wrong_or_used_code_issues_no_set(world: World):
    account = await without_codes(world)
    browser = await world.at_second_factor(account)

    await browser.offer(wrong_code(account, world))
    await browser.offer(account.code(world.clock, -2))

    assert await count_of(world, backup_codes) == 0


async def test_busy_hashing_postpones_the_new_set(world: World, monkeypatch: pytest.MonkeyPatch):
    account = await without_codes(world)
    browser = await world.at_second_factor(account)

    async def busy(_self: Hasher, _codes: list[str]) -> list[str]:
        raise BusyError

    with monkeypatch.context() as patch:
        patch.setattr(Hasher, "hash_set", busy)
        while_busy = await browser.offer(account.code(world.clock))
    world.clock.advance(seconds=30)
    after = await (await world.at_second_factor(account)).offer(account.code(world.clock))

    assert while_busy.status_code == 200
    assert "backup_codes" not in while_busy.json()
    assert len(after.json()["backup_codes"]) == 10


async def test_a_set_is_queued_once(world: World):
    """PWD-07, AVL-06: a request is cut before ten turns in a long queue are over."""
    hasher = world.services.hasher
    ended: list[str] = []

    async def noted(name: str, work: Awaitable[object]) -> None:
        await work
        ended.append(name)

    await gather(
        noted("set", hasher.hash_set(["code"] * 10)),
        *(noted("password", hasher.verify(None, "a password")) for _ in range(3)),
    )

    assert ended == ["set", "password", "password", "password"]


async def test_an_ordinary_step_hashes_nothing_and_queries_once(world: World):
    """AVL-06: the charge also returns whether codes are left."""
    world.services.outbox.stop()
    account = await world.an_account(enrolled=True)
    browser = await world.at_second_factor(account)
    hashed = await hashes_computed(browser)

    with statements_of(world.services.database) as heard:
        response = await browser.offer(account.code(world.clock))

    asked = [line for line in heard if line.startswith(("SELECT", "WITH person"))]
    assert response.status_code == 200
    assert await hashes_computed(browser) == hashed
    assert len(asked) == 1
    assert not any("code_hash" in line for line in heard)
