"""The seam to the database: changes together or not at all, the same on both databases."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from focys.features.accounts import users
from focys.features.audit import audit_events
from focys.features.rate_limits import throttles
from focys.infra.db.database import Change, Database
from focys.infra.ops.clock import DatabaseClock
from tests.conftest import settings_for
from tests.support.clock import NOON
from tests.support.rows import is_sqlite
from tests.support.statements import statements_of

RAISE = (
    update(users)
    .where(users.c.id == bindparam("for_user"), users.c.attempt_seq == bindparam("seq_read"))
    .values(attempt_seq=users.c.attempt_seq + 1)
)
RENAME = update(users).where(users.c.id == bindparam("for_user")).values(display_name=bindparam("new_name"))
TOUCH = update(throttles).where(throttles.c.key == bindparam("the_key")).values(hits=bindparam("new_hits"))
FORGET = delete(throttles).where(throttles.c.key == bindparam("the_key"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(settings_for(database_url).database)
    yield opened
    await opened.close()


async def a_user(database: Database, email: str = "a@b.test") -> UUID:
    user_id = uuid4()
    row = {"id": user_id, "email": email, "password_hash": "x", "display_name": "A", "created_at": NOON}
    await database.write(Change(users, {**row, "updated_at": NOON, "attempt_seq": 7}))
    return user_id


def a_throttle(key: str = "k", hits: int = 1) -> Change:
    return Change(throttles, {"key": key, "hits": hits, "last_at": NOON, "expires_at": NOON})


def guard(user_id: UUID, seq: int = 7) -> Change:
    return Change(RAISE, {"for_user": user_id, "seq_read": seq})


async def table(database: Database, of: Any) -> list[Any]:
    return list(await database.rows(select(of)))


async def test_all_changes_of_a_write_happen(database: Database):
    user_id = await a_user(database)
    await database.write(a_throttle("old"))

    done = await database.write(
        a_throttle("new"),
        Change(TOUCH, {"the_key": "old", "new_hits": 5}),
        guard=guard(user_id),
    )

    assert done is True
    [user] = await table(database, users)
    assert user.attempt_seq == 8
    assert {row.key: row.hits for row in await table(database, throttles)} == {"old": 5, "new": 1}


async def test_where_the_guard_changes_no_row_nothing_happens(database: Database):
    """LOCK-02: the compare-and-set."""
    user_id = await a_user(database)
    await database.write(a_throttle("old"))

    done = await database.write(
        a_throttle("new"),
        Change(FORGET, {"the_key": "old"}),
        guard=guard(user_id, seq=6),
    )

    assert done is False
    [user] = await table(database, users)
    assert user.attempt_seq == 7
    assert [row.key for row in await table(database, throttles)] == ["old"]


async def test_a_guard_may_stand_alone(database: Database):
    user_id = await a_user(database)

    assert await database.write(guard=guard(user_id)) is True
    assert await database.write(guard=guard(user_id)) is False


async def test_without_a_guard_a_write_that_finds_nothing_is_still_done(database: Database):
    assert await database.write(Change(FORGET, {"the_key": "nothing"})) is True


@pytest.mark.parametrize("broken_at", [0, 1, 2])
async def test_a_change_that_fails_undoes_the_others_and_the_guard(database: Database, broken_at: int):
    user_id = await a_user(database)
    await database.write(a_throttle("taken"))
    await database.write(a_throttle("old"))
    changes = [a_throttle("one"), Change(FORGET, {"the_key": "old"})]
    changes.insert(broken_at, a_throttle("taken"))

    with pytest.raises(IntegrityError):
        await database.write(*changes, guard=guard(user_id))

    [user] = await table(database, users)
    assert user.attempt_seq == 7
    assert sorted(row.key for row in await table(database, throttles)) == ["old", "taken"]
    # The connection goes back clean.
    assert await database.write(a_throttle("later"), guard=guard(user_id)) is True


async def test_a_write_that_is_cut_off_leaves_the_old_state_and_no_lock(database: Database, monkeypatch):
    """AVL-05: a request canceled between two changes."""
    user_id = await a_user(database)

    async with database.engine.connect() as blocker:
        await blocker.exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite(database) else "BEGIN")
        await blocker.execute(RENAME, {"for_user": user_id, "new_name": "held"})
        writing = asyncio.create_task(database.write(a_throttle("cut"), guard=guard(user_id)))
        await asyncio.sleep(0.1)
        writing.cancel()
        await blocker.exec_driver_sql("ROLLBACK")
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert [row.key for row in await table(database, throttles)] in ([], ["cut"])
    [user] = await table(database, users)
    assert user.attempt_seq == 7 + len(await table(database, throttles))
    assert await database.write(a_throttle("later"), guard=guard(user_id, seq=user.attempt_seq)) is True


async def test_twenty_writers_behind_one_guard_have_one_winner(database: Database):
    user_id = await a_user(database)

    done = await asyncio.gather(*(database.write(a_throttle(f"k{i}"), guard=guard(user_id)) for i in range(20)))

    assert sorted(done) == [False] * 19 + [True]
    assert len(await table(database, throttles)) == 1


@pytest.mark.parametrize("how", ["write", "write behind a guard", "counts"])
async def test_rows_are_locked_in_the_order_of_the_changes(postgres_url: str, how: str):
    """LOCK-02, LOCK-15: anyone who changes the same rows in the same order waits, and never in a circle."""
    url = settings_for(postgres_url).database
    database = Database(url)
    user, holder, onlooker = (
        await a_user(database),
        *[await asyncpg.connect(postgres_url) for _ in "12"],
    )
    await database.write(a_throttle("first"), a_throttle("second"))
    changes = [
        Change(update(throttles).where(throttles.c.key == bindparam(f"key_{key}")).values(hits=2), {f"key_{key}": key})
        for key in ("first", "second")
    ]
    verb = (
        database.counts(*changes)
        if how == "counts"
        else database.write(*changes, guard=guard(user) if "guard" in how else None)
    )
    async with holder.transaction():
        await holder.execute("SELECT FROM throttles WHERE key = 'second' FOR UPDATE")

        waiting = asyncio.create_task(verb)
        while not await onlooker.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not waiting.done()

        with pytest.raises(asyncpg.LockNotAvailableError):
            await onlooker.execute("SELECT FROM throttles WHERE key = 'first' FOR UPDATE NOWAIT")
    await waiting
    await asyncio.gather(database.close(), holder.close(), onlooker.close())


async def test_two_changes_may_share_a_parameter_that_means_the_same(database: Database):
    user_id = await a_user(database)
    disable = update(users).where(users.c.id == bindparam("for_user")).values(disabled_at=bindparam("moment"))

    await database.write(
        Change(RENAME, {"for_user": user_id, "new_name": "B"}), Change(disable, {"for_user": user_id, "moment": NOON})
    )


async def test_rows_of_one_table_keep_their_own_values(database: Database):
    await database.write(*(a_throttle(f"k{i}", hits=i) for i in range(10)))

    assert {row.key: row.hits for row in await table(database, throttles)} == {f"k{i}": i for i in range(10)}


async def test_two_changes_that_disagree_about_a_parameter_are_a_fault_on_both_databases(database: Database):
    """One statement has one value per name; found out on the developer's SQLite, not in production."""
    user_id, other = await a_user(database), await a_user(database, "c@d.test")

    with pytest.raises(ValueError, match="disagree about"):
        await database.write(
            Change(RENAME, {"for_user": user_id, "new_name": "B"}), Change(RENAME, {"for_user": other, "new_name": "B"})
        )

    assert {row.display_name for row in await table(database, users)} == {"A"}


async def test_a_change_of_the_row_that_the_guard_changes_is_a_fault_on_both_databases(database: Database):
    """PostgreSQL would leave it out without a word."""
    user_id = await a_user(database)

    with pytest.raises(ValueError, match="make this change in the guard"):
        await database.write(Change(RENAME, {"for_user": user_id, "new_name": "B"}), guard=guard(user_id))

    [user] = await table(database, users)
    assert (user.display_name, user.attempt_seq) == ("A", 7)


async def test_moments_come_back_as_the_same_moment_in_utc(database: Database):
    elsewhere = datetime(2026, 3, 2, 14, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))

    await database.write(Change(throttles, {"key": "k", "hits": 1, "last_at": elsewhere, "expires_at": NOON}))

    [row] = await table(database, throttles)
    assert row.last_at == elsewhere
    assert row.last_at.utcoffset() == timedelta(0)
    found = await database.first(select(throttles).where(throttles.c.last_at > bindparam("moment")), moment=NOON)
    assert found is not None


async def test_the_database_tells_its_own_time_in_utc(database: Database):
    now = await database.now()

    assert now.utcoffset() == timedelta(0)
    assert abs((now - datetime.now(UTC)).total_seconds()) < 5


async def test_the_databases_time_does_not_depend_on_the_machines_zone(database: Database, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        clock = DatabaseClock()
        clock.set(await database.now())

        assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


@pytest.mark.parametrize("typed", ["x'; DROP TABLE users; --", "%", "_", '"', "\\", "{}", ":the_key", "$1", "é\u202e"])
async def test_values_are_parameters_whatever_they_hold(database: Database, typed: str):
    await database.write(a_throttle(typed), a_throttle("other"))

    await database.write(Change(FORGET, {"the_key": typed}))

    assert [row.key for row in await table(database, throttles)] == ["other"]


async def test_a_write_on_postgresql_is_one_statement_and_on_sqlite_one_transaction(database: Database):
    """The round trips that design section 3 promises."""
    user_id = await a_user(database)

    with statements_of(database) as sent:
        await database.write(a_throttle(), Change(FORGET, {"the_key": "x"}), guard=guard(user_id))

    if is_sqlite(database):
        assert (sent[0], sent[-1], len(sent)) == ("BEGIN IMMEDIATE", "COMMIT", 5)
    else:
        assert len(sent) == 1


async def test_deleting_an_account_takes_what_hangs_on_it_and_leaves_the_facts(database: Database):
    """Foreign keys are on, on SQLite too; the audit trail outlives the account."""
    user_id = await a_user(database)
    fact = {"id": uuid4(), "at": NOON, "event": "x", "outcome": "ok", "user_id": user_id, "source": "s"}
    await database.write(Change(audit_events, {**fact, "request_id": "r"}))
    async with database.engine.connect() as connection:
        await connection.execute(delete(users))

    assert len(await table(database, audit_events)) == 1


async def test_statements_that_hang_are_cut_off_by_the_server(postgres_url: str):
    database = Database(settings_for(postgres_url).database)
    try:
        settings = ("statement_timeout", "lock_timeout", "TimeZone", "application_name")
        shown = [await database.first(select(func.current_setting(name))) for name in settings]
    finally:
        await database.close()

    assert shown == [("3s",), ("1s",), ("UTC",), ("focys",)]


async def test_a_call_is_made_after_a_write_that_inserted_and_after_no_other(database: Database):
    user_id = await a_user(database)
    calls: list[str] = []
    database.call_after_insert(throttles, lambda: calls.append("called"))

    await database.write(Change(TOUCH, {"the_key": "k", "new_hits": 5}), guard=guard(user_id))
    unchanged = await database.write(a_throttle(), guard=guard(user_id))
    none_yet = list(calls)
    await database.write(a_throttle())

    assert (unchanged, none_yet, calls) == (False, [], ["called"])
