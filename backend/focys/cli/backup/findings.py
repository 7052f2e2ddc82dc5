"""Checks of a restored backup: what it holds, what decrypts it, and what must not be in it."""

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

from focys.cli.doctor.report import Finding, fail, ok, warn
from focys.features.totp import DecryptReport, TotpSecrets
from focys.infra.db.database import Database
from focys.infra.db.schema import known_revisions, needed_revision, revisions_after

STALE_AFTER = timedelta(hours=36)
# A TOTP secret is 32 Base32 characters between others, which no sealed or hashed value contains.
_BASE32 = "(^|[^A-Za-z0-9+/])[A-Z2-7]{32}($|[^A-Za-z0-9+/])"
_SEALED = {("users", "totp_secret"), ("totp_setups", "secret"), ("totp_enrolments", "secret")}
_HASHED = {("users", "password_hash"), ("backup_codes", "code_hash")}
_FUTURE = ("expires_at", "due_at", "ends_at")


@asynccontextmanager
async def reflected(database: Database) -> AsyncIterator[tuple[AsyncConnection, MetaData]]:
    """Yield a connection and all tables, whichever version created them."""
    async with database.engine.connect() as connection:
        tables = MetaData()
        await connection.run_sync(tables.reflect)
        yield connection, tables


def check_schema(at: str | None) -> Finding:
    """Check whether this version can serve the backup, and which migrations that takes."""
    name, needed = "schema", needed_revision()
    if at is None:
        return fail(name, "this is not a FOCYS database", "dump the one that DATABASE_URL names")
    if at not in known_revisions():
        return fail(name, f"at {at}, which this version does not know", "install the version of FOCYS that made it")
    if at != needed:
        following = ", ".join(revisions_after(at))
        return warn(name, f"at {at}; {following} can be applied", "after restoring it: focys migrate")
    return ok(name, f"at {at}, which this version needs")


async def check_plaintext(connection: AsyncConnection, tables: MetaData, *, has_key: bool) -> Finding:
    """Look for anything that lets someone sign in with the backup alone."""
    name = "plaintext"
    if has_key:
        fix = "find out how the key got into the database; create a new key and a new backup, and destroy this one"
        return fail(name, "the backup contains one of the configured keys", fix)
    found = [
        f"{number} in {table.name}.{column.name}"
        for table, column in _texts(tables)
        if (number := await _count(connection, table, _is_plaintext(table, column)))
    ]
    if found:
        fix = "if it was made before FOCYS encrypted them, upgrade, create a new backup and destroy this one"
        return fail(name, f"TOTP secrets are not encrypted: {', '.join(found)}", fix)
    return ok(name, "no plaintext TOTP secrets, no keys")


async def check_hashes(connection: AsyncConnection, tables: MetaData) -> Finding:
    """Check that passwords and backup codes are stored as hashes only."""
    bad = [
        f"{number} in {table.name}.{column.name}"
        for table, column in _texts(tables)
        if (table.name, column.name) in _HASHED
        and (number := await _count(connection, table, not_(column.startswith("$argon2id$"))))
    ]
    if bad:
        return fail("hashes", f"not Argon2id: {', '.join(bad)}", "set new passwords: focys users set-password")
    return ok("hashes", "all passwords and backup codes are Argon2id hashes")


async def check_age(connection: AsyncConnection, tables: MetaData, now: datetime) -> Finding:
    """Check the age of the newest record."""
    moments = [
        moment
        for table in tables.sorted_tables
        for column in table.columns
        if isinstance(column.type, DateTime) and not column.name.endswith(_FUTURE)
        if (moment := await _newest(connection, column, now)) is not None
    ]
    if not moments:
        return warn("age", "it holds no records", "check that it is the right database")
    newest = max(moments)
    detail = f"newest record: {newest:%Y-%m-%d %H:%M} UTC, {_ago(now - newest)} ago"
    if now - newest > STALE_AFTER:
        return warn("age", detail, "check that the nightly backup runs: systemctl list-timers focys-backup")
    return ok("age", detail)


async def count_accounts(connection: AsyncConnection, tables: MetaData) -> Finding:
    """Count what a restore would bring back."""
    users, sessions = tables.tables["users"], tables.tables["sessions"]
    total = await _count(connection, users)
    enrolled = await _count(connection, users, users.c.mfa_enabled)
    live = await _count(connection, sessions, sessions.c.revoked_at.is_(None))
    setups = await _count(connection, tables.tables["totp_setups"])
    detail = f"{total:,} accounts, {enrolled:,} with an authenticator; {setups:,} enrollments, {live:,} open sessions"
    return ok("accounts", detail) if total else warn("accounts", detail, "check that it is the right database")


async def check_secrets(totp: TotpSecrets, progress: Callable[[int, int], None]) -> Finding:
    """Decrypt every secret with the configured keys."""
    return secrets_finding(await totp.try_all(progress))


def secrets_finding(trial: DecryptReport) -> Finding:
    """Report what the configured keys could decrypt."""
    name, total = "secrets", f"{trial.total:,}"
    if trial.keyless:
        fix = "add the missing key, as SECRET_KEY or in SECRET_KEY_FALLBACKS"
        return fail(name, f"no configured key decrypts {trial.keyless:,} of {total}", fix)
    if trial.damaged:
        fix = "try the previous backup; otherwise the owners need focys users reset-mfa EMAIL"
        return fail(name, f"{trial.damaged:,} of {total} are damaged", fix)
    if trial.older:
        fix = "keep SECRET_KEY_FALLBACKS for as long as this backup is kept"
        return warn(name, f"all {total} can be decrypted, {trial.older:,} of them with a fallback key only", fix)
    return ok(name, f"SECRET_KEY decrypts all {total}")


def _texts(tables: MetaData) -> Sequence[tuple[Table, Column[Any]]]:
    return [(t, c) for t in tables.sorted_tables for c in t.columns if isinstance(c.type, String | JSON)]


def _is_plaintext(table: Table, column: Column[Any]) -> ColumnElement[bool]:
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
