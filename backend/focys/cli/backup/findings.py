"""What stands in a restored backup, what opens it, and what must not be in it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    MetaData,
    String,
    Table,
    Text,
    and_,
    case,
    cast,
    func,
    not_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import JSON

from focys.cli.doctor.finding import Finding, fail, ok, warn
from focys.features.totp import DecryptReport, TotpSecrets
from focys.infra.db.database import Database
from focys.infra.db.schema import known_revisions, needed_revision, revisions_after

STALE_AFTER = timedelta(hours=36)
# A TOTP secret is 32 characters of Base32; in what is sealed or hashed they do not stand between other characters.
_BASE32 = "(^|[^A-Za-z0-9+/])[A-Z2-7]{32}($|[^A-Za-z0-9+/])"
_SEALED = {("users", "totp_secret"), ("totp_setups", "secret"), ("totp_enrolments", "secret")}
_HASHED = {("users", "password_hash"), ("backup_codes", "code_hash")}
_AHEAD = ("expires_at", "due_at", "ends_at")


@asynccontextmanager
async def reflected(database: Database) -> AsyncIterator[tuple[AsyncConnection, MetaData]]:
    """Yield a connection and every table there is, whichever version made it."""
    async with database.engine.connect() as connection:
        tables = MetaData()
        await connection.run_sync(tables.reflect)
        yield connection, tables


def judge_schema(at: str | None) -> Finding:
    """Say whether this version can serve the backup, and which migrations that takes."""
    name, needed = "schema", needed_revision()
    if at is None:
        return fail(name, "this is no database of FOCYS", "dump the one that DATABASE_URL names")
    if at not in known_revisions():
        return fail(name, f"at {at}, which this version does not know", "install the version of FOCYS that made it")
    if at != needed:
        following = ", ".join(revisions_after(at))
        return warn(name, f"at {at}; {following} would follow, and do", "after restoring it: focys migrate")
    return ok(name, f"at {at}, as this version needs")


async def check_alone(connection: AsyncConnection, tables: MetaData, *, has_key: bool) -> Finding:
    """Look for what would make the backup alone enough to sign in as somebody."""
    name = "by itself"
    if has_key:
        mend = "find out how the key came into the database; make a new key and a new backup, and destroy this one"
        return fail(name, "one of the keys at hand stands in it", mend)
    clear = [
        f"{number} in {table.name}.{column.name}"
        for table, column in _texts(tables)
        if (number := await _count(connection, table, _is_clear(table, column)))
    ]
    if clear:
        mend = "if it was made before FOCYS sealed them, upgrade, make a new backup and destroy this one"
        return fail(name, f"it holds TOTP secrets in clear: {', '.join(clear)}", mend)
    return ok(name, "no TOTP secret in clear, and no key: it opens nothing")


async def check_hashes(connection: AsyncConnection, tables: MetaData) -> Finding:
    """See that passwords and backup codes are stored as hashes only."""
    bad = [
        f"{number} in {table.name}.{column.name}"
        for table, column in _texts(tables)
        if (table.name, column.name) in _HASHED
        and (number := await _count(connection, table, not_(column.startswith("$argon2id$"))))
    ]
    if bad:
        return fail("hashes", f"not Argon2id: {', '.join(bad)}", "give them new passwords: focys users set-password")
    return ok("hashes", "every password and backup code is an Argon2id hash")


async def check_age(connection: AsyncConnection, tables: MetaData, now: datetime) -> Finding:
    """Tell when the newest thing in it happened."""
    moments = [
        moment
        for table in tables.sorted_tables
        for column in table.columns
        if isinstance(column.type, DateTime) and not column.name.endswith(_AHEAD)
        if (moment := await _newest(connection, column, now)) is not None
    ]
    if not moments:
        return warn("age", "nothing in it has a date", "see that it is the right database")
    newest = max(moments)
    detail = f"the newest thing in it happened on {newest:%Y-%m-%d %H:%M} UTC, {_ago(now - newest)} ago"
    if now - newest > STALE_AFTER:
        return warn("age", detail, "see that a backup is made every night: systemctl list-timers focys-backup")
    return ok("age", detail)


async def count_people(connection: AsyncConnection, tables: MetaData) -> Finding:
    """Count what a restore would bring back."""
    users, sessions = tables.tables["users"], tables.tables["sessions"]
    accounts = await _count(connection, users)
    enrolled = await _count(connection, users, users.c.mfa_enabled)
    live = await _count(connection, sessions, sessions.c.revoked_at.is_(None))
    under_way = await _count(connection, tables.tables["totp_setups"])
    detail = f"{accounts:,} accounts, {enrolled:,} with an authenticator; {under_way:,} set-ups, {live:,} open sessions"
    return ok("people", detail) if accounts else warn("people", detail, "see that it is the right database")


async def check_secrets(totp: TotpSecrets, progress: Callable[[int, int], None]) -> Finding:
    """Open every sealed secret with the keys at hand."""
    return judge_secrets(await totp.try_all(progress))


def judge_secrets(trial: DecryptReport) -> Finding:
    """Say what the keys at hand could open."""
    name, total = "secrets", f"{trial.total:,}"
    if trial.keyless:
        mend = "give back the key that made them, as SECRET_KEY or in SECRET_KEY_FALLBACKS"
        return fail(name, f"the keys at hand do not open {trial.keyless:,} of {total}", mend)
    if trial.damaged:
        mend = "try the backup before it; the owners need focys users reset-mfa EMAIL"
        return fail(name, f"{trial.damaged:,} of {total} are damaged", mend)
    if trial.older:
        mend = "keep SECRET_KEY_FALLBACKS for as long as this backup is kept"
        return warn(name, f"all {total} open, {trial.older:,} of them with a fallback key only", mend)
    return ok(name, f"SECRET_KEY opens all {total}")


def _texts(tables: MetaData) -> Sequence[tuple[Table, Column[Any]]]:
    return [(t, c) for t in tables.sorted_tables for c in t.columns if isinstance(c.type, String | JSON)]


def _is_clear(table: Table, column: Column[Any]) -> ColumnElement[bool]:
    if (table.name, column.name) in _SEALED:
        return and_(column.is_not(None), not_(column.startswith("v1.")))
    return cast(column, Text).regexp_match(_BASE32)


async def _count(connection: AsyncConnection, table: Table, *where: ColumnElement[bool]) -> int:
    statement = select(func.count()).select_from(table).where(*where)
    return int((await connection.execute(statement)).scalar_one())


async def _newest(connection: AsyncConnection, column: Column[Any], now: datetime) -> datetime | None:
    on_sqlite = connection.dialect.name == "sqlite"
    limit = now.replace(tzinfo=None) if on_sqlite else now
    statement = select(func.max(case((column <= limit, column), else_=None)))
    found: datetime | None = (await connection.execute(statement)).scalar_one()
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def _ago(age: timedelta) -> str:
    hours = int(age.total_seconds() // 3600)
    if hours < 1:
        return "less than an hour"
    return f"{hours} hours" if hours < 72 else f"{hours // 24} days"  # noqa: PLR2004  three days
