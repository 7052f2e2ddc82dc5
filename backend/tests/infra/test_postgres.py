"""The connections to PostgreSQL: kept, never more than there may be, and none that somebody else's statement is on."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import func, literal, select, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from focys.infra.db import postgres
from focys.infra.db.postgres import Postgres
from tests.conftest import settings_for

SIZE = 2
LOOKS = 1000
WHO = select(func.pg_backend_pid())
IN_USE = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'focys' AND datname = current_database()"
WAITING = f"{IN_USE} AND wait_event_type = 'Lock'"
LOCK, UNLOCK = "SELECT pg_advisory_lock(1)", "SELECT pg_advisory_unlock(1)"


@pytest.fixture
async def connections(postgres_url: str) -> AsyncIterator[Postgres]:
    opened = Postgres(settings_for(postgres_url).database, SIZE)
    yield opened
    await opened.close()


@pytest.fixture
async def aside(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def who(connections: Postgres) -> int:
    [row] = await connections.fetch(WHO, {})
    return int(row[0])


def wait(connections: Postgres) -> "asyncio.Task[list[object]]":
    """A statement that takes until the lock is released."""
    return asyncio.create_task(connections.fetch(select(func.pg_advisory_xact_lock(1)), {}))


async def until(aside: asyncpg.Connection, question: str, answer: int) -> None:
    for _ in range(LOOKS):
        if await aside.fetchval(question) == answer:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"never {answer}: {question}")


async def test_a_connection_is_kept_for_the_next_statement(connections: Postgres):
    assert await who(connections) == await who(connections)


async def test_there_are_never_more_connections_than_there_may_be(connections: Postgres, aside: asyncpg.Connection):
    asked = await asyncio.gather(*(who(connections) for _ in range(10 * SIZE)))

    assert len(set(asked)) == SIZE
    assert await aside.fetchval(IN_USE) == SIZE


async def test_anyone_who_gets_no_connection_in_time_is_told_so_and_the_next_one_gets_it(
    connections: Postgres, aside: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    await aside.fetchval(LOCK)
    waiting = [wait(connections) for _ in range(SIZE)]
    await until(aside, WAITING, SIZE)
    monkeypatch.setattr(postgres, "POOL_WAIT_SECONDS", 0.1)

    with pytest.raises(TimeoutError):
        await who(connections)

    await aside.fetchval(UNLOCK)
    await asyncio.gather(*waiting)
    assert await who(connections)


async def test_a_statement_that_fails_costs_no_connection(connections: Postgres):
    before = await who(connections)

    with pytest.raises(SQLAlchemyError):
        await connections.fetch(select(literal(1) / func.length("")), {})

    assert await who(connections) == before


async def test_a_connection_that_the_server_has_cut_is_replaced(connections: Postgres, aside: asyncpg.Connection):
    cut = await who(connections)
    await aside.fetchval("SELECT pg_terminate_backend($1)", cut)
    await until(aside, IN_USE, 0)

    # The news of it may come after the next statement has been sent.
    try:
        found = await who(connections)
    except OperationalError:
        found = await who(connections)

    assert found != cut


async def test_a_connection_that_was_idle_for_long_is_not_trusted(
    connections: Postgres, aside: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    idle = set(await asyncio.gather(*(who(connections) for _ in range(SIZE))))
    monkeypatch.setattr(postgres, "IDLE_SECONDS", -1)

    found = await who(connections)

    assert len(idle) == SIZE
    assert found not in idle
    await until(aside, IN_USE, 1)


async def test_a_connection_that_cannot_be_made_ready_is_closed(
    connections: Postgres, aside: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    opened: asyncio.Queue[asyncpg.Connection] = asyncio.Queue()

    async def hang(connection: asyncpg.Connection, *_: object, **__: object) -> None:
        opened.put_nowait(connection)
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(asyncpg.Connection, "set_type_codec", hang)
        forgotten = asyncio.create_task(who(connections))
        connection = await opened.get()
        forgotten.cancel()
        with pytest.raises(asyncio.CancelledError):
            await forgotten

    assert connection.is_closed()
    assert opened.empty()
    await until(aside, IN_USE, 0)
    assert await who(connections)


async def test_what_nobody_waits_for_any_more_is_given_up_and_its_connection_with_it(
    connections: Postgres, aside: asyncpg.Connection
):
    before = await who(connections)
    await aside.fetchval(LOCK)
    forgotten = wait(connections)
    await until(aside, WAITING, 1)

    forgotten.cancel()
    with pytest.raises(asyncio.CancelledError):
        await forgotten

    await until(aside, WAITING, 0)
    assert before not in await asyncio.gather(*(who(connections) for _ in range(SIZE)))


async def test_the_end_waits_for_a_statement_in_progress(connections: Postgres, aside: asyncpg.Connection):
    await aside.fetchval(LOCK)
    last = wait(connections)
    await until(aside, WAITING, 1)

    closing = asyncio.create_task(connections.close())
    await asyncio.sleep(0)
    assert not closing.done()
    await aside.fetchval(UNLOCK)
    await closing

    assert last.done()
    await until(aside, IN_USE, 0)


async def test_a_server_that_turned_read_only_is_left(connections: Postgres):
    before = await who(connections)
    await connections.fetch(select(func.set_config("default_transaction_read_only", "on", literal(value=False))), {})

    with pytest.raises(SQLAlchemyError):
        await connections.fetch(text("CREATE TABLE made (id int)"), {})

    assert await who(connections) != before
    await connections.fetch(text("CREATE TABLE made (id int)"), {})


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
async def test_the_database_cannot_change_the_isolation(connections: Postgres, aside: asyncpg.Connection, level: str):
    name = await aside.fetchval("SELECT current_database()")
    await aside.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")

    [row] = await connections.fetch(select(func.current_setting("transaction_isolation")), {})

    assert row[0] == "read committed"


@pytest.mark.parametrize("code", ["40001", "40P01"])
@pytest.mark.parametrize(("conflicts", "is_done"), [(2, True), (3, False)])
async def test_a_conflict_is_tried_again(
    connections: Postgres, aside: asyncpg.Connection, code: str, conflicts: int, *, is_done: bool
):
    await aside.execute(f"""
        CREATE SEQUENCE tries;
        CREATE FUNCTION attempt() RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE n bigint := nextval('tries');
        BEGIN
            IF n <= {conflicts} THEN RAISE EXCEPTION 'conflict' USING ERRCODE = '{code}'; END IF;
            RETURN n;
        END $$""")

    if is_done:
        [row] = await connections.fetch(select(func.attempt()), {})
        assert row[0] == conflicts + 1
    else:
        with pytest.raises(OperationalError, match="conflict"):
            await connections.fetch(select(func.attempt()), {})
