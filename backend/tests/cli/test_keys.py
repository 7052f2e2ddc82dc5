"""``focys keys rotate``: every secret under the newest key, while people sign in."""

from asyncio import create_task, gather, to_thread
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from focys.features.accounts import users
from focys.features.audit import audit_events
from focys.features.login import pending_logins
from focys.features.totp import Codes, new_secret, totp_setups
from focys.features.totp.codes import Expected
from focys.features.totp.repository import BATCH, SetupRepository, Vault
from focys.infra.crypto.keys import KeyRing
from focys.infra.crypto.secret_box import SecretBox
from focys.infra.db.database import Change
from tests.cli.conftest import Focys
from tests.conftest import SECRET_KEY, MakeWorld
from tests.support.attempts import at_enrollment, confirm
from tests.support.clock import FrozenClock
from tests.support.rows import execute, rows_of
from tests.support.service import OPERATOR, Account, World

NEW_KEY = "another-key-that-is-long-enough-for-everyone-0987654321"
OLDER_KEY = "a-key-of-long-ago-that-nobody-remembers-any-more-1122334455"
OLD, NEW, OLDER = (SecretBox(KeyRing((key,))) for key in (SECRET_KEY, NEW_KEY, OLDER_KEY))
BOTH = {"secret_key": NEW_KEY, "secret_key_fallbacks": [SECRET_KEY]}
NOTHING_TO_DO = "✓ There was nothing to re-encrypt."


@pytest.fixture
async def before(make_world: MakeWorld) -> AsyncIterator[World]:
    """The service under the old key, at the commands' time."""
    async with make_world(clock=FrozenClock(datetime.now(UTC))) as world:
        yield world


@pytest.fixture
async def world(make_world: MakeWorld, before: World) -> AsyncIterator[World]:
    """The service restarted with the new key, the old one behind it."""
    async with make_world(**BOTH, clock=before.clock) as world:
        yield world


@pytest.fixture
def focys(focys: Focys, monkeypatch: pytest.MonkeyPatch) -> Focys:
    """The commands under the new key."""
    monkeypatch.setenv("SECRET_KEY", NEW_KEY)
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", SECRET_KEY)
    return focys


async def people_with_secrets(world: World, number: int, box: SecretBox = OLD) -> dict[UUID, str]:
    """Accounts with an authenticator, without the sign-ins that it took to get there."""
    secrets = {uuid4(): new_secret() for _ in range(number)}
    now = world.clock.now()
    rows = [
        {"id": owner, "email": f"{owner}@student.com", "password_hash": "x", "display_name": "A", "mfa_enabled": True}
        | {"created_at": now, "updated_at": now, "totp_secret": box.seal(secret, owner)}
        for owner, secret in secrets.items()
    ]
    await world.services.database.write(*(Change(users, row) for row in rows))
    return secrets


async def a_pending_secret(world: World, owner: UUID, box: SecretBox) -> str:
    """A secret shown in a login that is about to set up an app."""
    now, secret, login = world.clock.now(), new_secret(), uuid4()
    times = {"user_id": owner, "created_at": now, "expires_at": now + timedelta(minutes=15)}
    codes = {"code_issue": 0, "code_long": False, "code_tries": 0}
    row = {"id": login, "handle_hash": login.bytes * 2, "step": "enroll", "epoch": 0, **codes, **times}
    await world.services.database.write(Change(pending_logins, row))
    await world.services.database.write(
        Change(totp_setups, {"login_id": login, "secret": box.seal(secret, owner), **times})
    )
    return secret


async def sealed_of(world: World) -> dict[UUID, str]:
    return {row.id: row.totp_secret for row in await rows_of(world, users) if row.totp_secret}


async def rotations_of(world: World) -> list[tuple[str, str]]:
    return sorted((e.outcome, e.detail) for e in await rows_of(world, audit_events) if e.event == "MFA keys rotated")


async def rotate(world: World) -> tuple[int, int]:
    """Rotate in the test's own process; how many were moved, and how many could not be opened."""
    rotation = await world.services.administration.rotate_keys(OPERATOR, lambda _seen, _total: None)
    return rotation.reencrypted, rotation.unreadable


async def test_every_secret_is_moved_to_the_newest_key(before: World, make_world: MakeWorld, focys: Focys):
    alice = await before.an_account(enrolled=True)
    secrets = await people_with_secrets(before, 2 * BATCH + 50)
    pending = await a_pending_secret(before, alice.id, OLD)

    result = await to_thread(focys, "keys", "rotate")

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == f"✓ Moved {2 * BATCH + 52} secrets to the newest key."
    assert f"No secret needs the key {OLD.key_ids[0]} in SECRET_KEY_FALLBACKS any more." in result.stdout
    sealed = await sealed_of(before)
    assert {owner: NEW.open(text, owner) for owner, text in sealed.items()} == {**secrets, alice.id: alice.secret}
    [enrollment] = await rows_of(before, totp_setups)
    assert NEW.open(enrollment.secret, alice.id) == pending
    assert await rotations_of(before) == [
        ("ok", f"{2 * BATCH + 52} secrets re-encrypted, 0 could not be decrypted"),
        ("ok", "started"),
    ]
    assert not [text for text in (*secrets.values(), pending, SECRET_KEY, NEW_KEY) if text in result.output]
    async with make_world(secret_key=NEW_KEY, clock=before.clock) as after:
        await after.signed_in(alice)


async def test_people_sign_in_before_during_and_after_a_rotation(world: World, make_world: MakeWorld, focys: Focys):
    """CRY-03: under load; each code is good for one sign-in all the same."""
    people = [await world.an_account(f"p{i}@student.com", enrolled=True) for i in range(4)]
    await execute_old_seals(world, people)
    await people_with_secrets(world, 3 * BATCH)

    async def same_code_twice(account: Account) -> list[int]:
        one, other = await world.at_second_factor(account), await world.at_second_factor(account)
        code = account.code(world.clock)
        return sorted(response.status_code for response in await gather(one.offer(code), other.offer(code)))

    rounds = [await gather(*(same_code_twice(account) for account in people))]
    world.clock.advance(seconds=30)
    rotating = create_task(to_thread(focys, "keys", "rotate"))
    rounds.append(await gather(*(same_code_twice(account) for account in people)))
    result = await rotating
    again = [await (await world.at_second_factor(account)).offer(account.code(world.clock)) for account in people]
    world.clock.advance(seconds=30)
    rounds.append(await gather(*(same_code_twice(account) for account in people)))

    assert result.exit_code == 0, result.output
    assert rounds == [[[200, 401]] * 4] * 3
    assert {response.status_code for response in again} == {401}
    async with make_world(secret_key=NEW_KEY, clock=world.clock) as after:
        for account in people:
            world.clock.advance(seconds=30)
            await after.signed_in(account)


async def execute_old_seals(world: World, people: list[Account]) -> None:
    """Put the secrets of people who enrolled under the new key back under the old one."""
    for account in people:
        assert account.secret is not None
        text = OLD.seal(account.secret, account.id)
        await execute(world, f"UPDATE users SET totp_secret = '{text}' WHERE email = '{account.email}'")


async def test_a_row_changed_during_the_rotation_is_read_again(world: World, monkeypatch: pytest.MonkeyPatch):
    """CRY-03: a compare-and-set on what was read; nobody's newer secret is overwritten."""
    secrets = await people_with_secrets(world, 3)
    changed, reset, kept = secrets
    newer = new_secret()
    replace = SetupRepository.replace
    tries: list[set[UUID]] = []

    async def somebody_is_first(self: SetupRepository, vault: Vault, texts: dict[UUID, tuple[str, str]]) -> int:
        if not tries:
            await execute_as(world, changed, OLD.seal(newer, changed))
            await execute_as(world, reset, None)
        tries.append(set(texts))
        return await replace(self, vault, texts)

    monkeypatch.setattr(SetupRepository, "replace", somebody_is_first)
    counts = await rotate(world)

    assert tries == [{changed, reset, kept}, {changed}]
    assert counts == (2, 0)
    sealed = await sealed_of(world)
    assert {owner: NEW.open(text, owner) for owner, text in sealed.items()} == {changed: newer, kept: secrets[kept]}


async def execute_as(world: World, owner: UUID, sealed: str | None) -> None:
    [row] = [row for row in await rows_of(world, users) if row.id == owner]
    text = "NULL" if sealed is None else f"'{sealed}'"
    await execute(world, f"UPDATE users SET totp_secret = {text} WHERE email = '{row.email}'")


async def test_an_enrollment_confirmed_during_the_rotation_uses_the_newest_key(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """CRY-03: what was read before its row moved does not come back under the old key."""
    account = await world.an_account()
    browser = await at_enrollment(world, account)
    assert account.secret is not None
    await execute(world, f"UPDATE totp_setups SET secret = '{OLD.seal(account.secret, account.id)}'")
    compare = Codes.compare

    def with_what_was_read_before(self: Codes, typed: tuple[str, ...], expected: Expected, now: datetime) -> object:
        assert not NEW.is_current(expected.sealed)
        return compare(self, typed, expected, now)

    monkeypatch.setattr(Codes, "compare", with_what_was_read_before)
    response = await confirm(browser, account.code(world.clock))

    assert response.status_code == 200
    assert NEW.open((await sealed_of(world))[account.id], account.id) == account.secret


async def test_unreadable_secrets_are_reported_and_left_unchanged(world: World, focys: Focys):
    lost = await people_with_secrets(world, 2, OLDER)
    [damaged] = await people_with_secrets(world, 1)
    fine = await people_with_secrets(world, 3)
    await execute_as(world, damaged, f"v1.{OLD.key_ids[0]}.AAAA")
    await a_pending_secret(world, damaged, OLDER)
    before = await sealed_of(world)

    first, second = [await to_thread(focys, "keys", "rotate") for _ in range(2)]

    assert (first.exit_code, second.exit_code) == (1, 1)
    assert first.stdout.strip() == "✓ Moved 3 secrets to the newest key."
    assert first.stderr.startswith("✗ The secrets of 3 accounts could not be decrypted and were left unchanged.")
    assert f"Keep the key {OLD.key_ids[0]} " in first.stderr
    assert "student.com" not in first.output
    assert second.stdout.strip() == NOTHING_TO_DO
    after = await sealed_of(world)
    assert {owner: after[owner] for owner in (*lost, damaged)} == {owner: before[owner] for owner in (*lost, damaged)}
    assert {owner: NEW.open(after[owner], owner) for owner in fine} == fine
    assert await rotations_of(world) == [("ok", "3 secrets re-encrypted, 3 could not be decrypted"), ("ok", "started")]


async def test_a_second_rotation_does_nothing(world: World, focys: Focys):
    await people_with_secrets(world, 3)
    await to_thread(focys, "keys", "rotate")
    before = await sealed_of(world), await rows_of(world, audit_events)

    result = await to_thread(focys, "keys", "rotate")

    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, NOTHING_TO_DO)
    assert (await sealed_of(world), await rows_of(world, audit_events)) == before


async def test_two_rotations_at_once_move_each_secret_once(world: World):
    secrets = await people_with_secrets(world, BATCH + 20)

    counts = await gather(rotate(world), rotate(world))

    assert (sum(moved for moved, _ in counts), sum(closed for _, closed in counts)) == (BATCH + 20, 0)
    assert {owner: NEW.open(text, owner) for owner, text in (await sealed_of(world)).items()} == secrets


async def test_progress_is_reported_after_each_batch(world: World):
    await people_with_secrets(world, BATCH + 20)
    told: list[tuple[int, int]] = []

    await world.services.administration.rotate_keys(OPERATOR, lambda seen, total: told.append((seen, total)))

    assert told == [(BATCH, BATCH + 20), (BATCH + 20, BATCH + 20)]
