"""The statements sent to PostgreSQL, compared with what other engines with its protocol lack (docs/SCALING.md)."""

import asyncio
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import JSON
from sqlalchemy.sql.expression import Executable

import focys
from focys.infra.db import postgres
from focys.infra.db.charging import Charge, as_one_statement
from focys.infra.db.database import metadata
from tests.cluster import Cluster
from tests.conftest import world_on
from tests.infra.test_audited_acts import HOUR, OFFICE, OLDER_KEY, OPERATORS_ACTS, VISITORS_ACTS
from tests.support.acts import bypassed, ready_for, turn_off, wrong_password, wrong_totp
from tests.support.processes import BACKEND
from tests.support.service import OPERATOR, World

SESSIONS = 11
"""One more than an account may have."""

CHANGE = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM) (?!SET\b)(\w+)")
CALL = re.compile(r"\b([a-z_][a-z_0-9]*)\(")
EVERYWHERE = {
    *(
        "array_agg",
        "clock_timestamp",
        "coalesce",
        "count",
        "current_setting",
        "lower",
        "max",
        "min",
        "row_number",
        "substr",
    ),
}
"""Functions that all of these engines have."""

CHANGED_TWICE = {
    "audit_events": "pruning: DELETE and the record of it are one write",
    "backup_codes": "a new set: DELETE of the old codes and ten INSERTs",
    "pending_logins": "a new login: INSERT, and UPDATE of those it replaces",
    "sessions": "a full list: INSERT, and UPDATE of the oldest",
    "throttles": "several counters of one sign-in",
}
FUNCTIONS = {
    "has_schema_privilege": "doctor",
    "has_table_privilege": "doctor",
    "pg_backend_pid": "doctor",
    "pg_has_role": "doctor",
    "pg_is_in_recovery": "doctor",
    "set_config": "a charge of a password need not wait for the disk",
}
JSON_COLUMNS = {"outbox.about": "another type would break the previous version during an upgrade"}
IN_MIGRATIONS = {
    "pg_advisory_xact_lock": "keeps two migrations from running at once",
    "VACUUM FULL": "removes the plain secrets that 0003 encrypted from the file",
}


@pytest.fixture(scope="module")
def statements(cluster: Cluster, postgres_template: str) -> set[str]:
    """Every statement that a module holds, and those that are composed during every audited act."""
    return asyncio.run(collected(cluster, postgres_template))


async def collected(cluster: Cluster, postgres_template: str) -> set[str]:
    with compiled_statements() as found:
        for statement in constants():
            postgres.compiled_once(statement)
        for name, acts in VISITORS_ACTS.items():
            policy = "optional" if turn_off in acts else "required"
            async with a_world(cluster, postgres_template, policy) as world:
                await visit(world, name)
        for name in OPERATORS_ACTS:
            async with a_world(cluster, postgres_template) as world:
                await operate(world, name)
        async with a_world(cluster, postgres_template) as world:
            account = await world.an_account(enrolled=True)
            for _ in range(SESSIONS):
                await world.signed_in(account)
    return found


@contextmanager
def compiled_statements() -> Iterator[set[str]]:
    """Collect the statements compiled in this block, as PostgreSQL gets them."""
    found: set[str] = set()
    compiled = postgres.compiled_once

    def compile_and_tell(statement: Executable) -> object:
        done = compiled(statement)
        found.add(done.sql)
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres, "compiled_once", compile_and_tell)
        yield found


def constants() -> Iterator[Executable]:
    for module in pkgutil.walk_packages(focys.__path__, "focys."):
        if not module.name.endswith("__main__"):
            for _, value in inspect.getmembers(importlib.import_module(module.name)):
                if isinstance(value, Charge):
                    yield as_one_statement(value)
                elif isinstance(value, Executable) and not inspect.isclass(value):
                    yield value


@asynccontextmanager
async def a_world(cluster: Cluster, template: str, policy: str = "required") -> AsyncIterator[World]:
    name = f"portable_{uuid4().hex[:12]}"
    url = cluster.create_database(name, template=template)
    async with world_on(url, secret_key_fallbacks=[OLDER_KEY], mfa_policy=policy) as world:
        yield world
    cluster.drop_database(name)


async def visit(world: World, name: str) -> None:
    for i, act in enumerate(VISITORS_ACTS[name]):
        if i == 0:
            account, browser = await ready_for(world, act)
        if act is bypassed:
            await world.services.bypasses.begin(HOUR, "new phone", OPERATOR, address=account.email)
        await act(world, account, browser)


async def operate(world: World, name: str) -> None:
    account = await world.an_account(enrolled=True)
    await world.signed_in(account)
    await wrong_totp(world, account, await world.at_second_factor(account))
    await wrong_password(world, account, world.a_browser(OFFICE))
    if name == "MFA bypass ended":
        await OPERATORS_ACTS["MFA bypass started"](world, account)
    world.clock.advance(seconds=1)
    await OPERATORS_ACTS[name](world, account)


def changed_twice(sql: str) -> set[str]:
    """Return the tables that a statement changes more than once, other than by plain INSERTs."""
    changes: dict[str, Counter[str]] = {}
    for verb, table in CHANGE.findall(sql):
        changes.setdefault(table, Counter())[verb] += 1
    only_inserts = "ON CONFLICT" not in sql
    return {
        table
        for table, verbs in changes.items()
        if verbs.total() > 1 and not (only_inserts and set(verbs) == {"INSERT INTO"})
    }


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("WITH a AS (UPDATE users SET x=1), b AS (DELETE FROM users) SELECT 1", {"users"}),
        ("WITH a AS (INSERT INTO users VALUES (1)), b AS (INSERT INTO users VALUES (2)) SELECT 1", set()),
        ("INSERT INTO users VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 1", set()),
        ("WITH a AS (UPDATE users SET x=1), b AS (DELETE FROM sessions) SELECT 1", set()),
    ],
)
def test_a_table_changed_twice_is_found(sql: str, tables: set[str]):
    assert changed_twice(sql) == tables


def test_no_other_table_is_changed_twice_in_one_statement(statements: set[str]):
    assert set().union(*map(changed_twice, statements)) == set(CHANGED_TWICE)


def test_no_other_function_is_called(statements: set[str]):
    called = {name for sql in statements for name in CALL.findall(sql)}

    assert called - EVERYWHERE == set(FUNCTIONS)


def test_no_other_column_is_json():
    columns = (column for table in metadata.sorted_tables for column in table.c)

    assert {f"{c.table.name}.{c.name}" for c in columns if isinstance(c.type, JSON)} == set(JSON_COLUMNS)


def test_no_other_migration_needs_postgresql_itself():
    files = [*(BACKEND / "migrations").rglob("*.py"), *(BACKEND / "focys").rglob("*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)

    found = re.findall(
        r"pg_(?:try_)?advisory\w+|VACUUM FULL|LISTEN \w|NOTIFY \w|SKIP LOCKED|CREATE (?:TRIGGER|TYPE)", text
    )
    assert set(found) == set(IN_MIGRATIONS)


def test_every_exception_is_in_the_documents():
    page = (BACKEND.parent / "docs" / "SCALING.md").read_text(encoding="utf-8")

    for name in (*CHANGED_TWICE, *FUNCTIONS, *JSON_COLUMNS, *IN_MIGRATIONS):
        assert f"`{name}`" in page, name
