"""Which permissions the service's database role has: those it needs, and those it should not have."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select, String, and_, column, false, func, literal_column, select, table, values

from focys.infra.db.database import Database, metadata

_CHECKS = {
    "rules_the_server": "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)",
    "has_powers": "(SELECT rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
    " FROM pg_roles WHERE rolname = current_user)",
    "changes_tables": "has_schema_privilege('public', 'CREATE')"
    " OR pg_has_role((SELECT relowner FROM pg_class"
    " WHERE relname = 'users' AND relnamespace = 'public'::regnamespace), 'MEMBER')",
    "changes_the_audit": "has_table_privilege((SELECT oid FROM pg_class"
    " WHERE relname = 'audit_events' AND relnamespace = 'public'::regnamespace), 'UPDATE, DELETE, TRUNCATE')",
    "enters_the_schema": "has_schema_privilege('public', 'USAGE')",
}
_RIGHTS: Select[Any] = select().add_columns(
    *[literal_column(f"COALESCE({check}, false)").label(name) for name, check in _CHECKS.items()]
)

_ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_LESS = {"audit_events": ("SELECT", "INSERT"), "alembic_version": ("SELECT",)}
"""Tables of which the service may not do everything; deploy/postgres/grants.sql says the same."""


WriteLock = Literal["standby", "database", "role", "server", "connection"]
"""What makes a server read-only."""

_LOCK: Select[Any] = select().add_columns(
    literal_column("pg_is_in_recovery()").label("is_standby"),
    literal_column("(SELECT source FROM pg_settings WHERE name = 'default_transaction_read_only')").label("source"),
)
_PLACES: dict[str, WriteLock] = {
    "database": "database",
    "user": "role",
    "database user": "role",
    "configuration file": "server",
    "command line": "server",
}


@dataclass(frozen=True, slots=True)
class Rights:
    """The permissions of a role. ``missing`` says what it cannot do, such as ``INSERT on throttles``."""

    rules_the_server: bool
    has_powers: bool
    changes_tables: bool
    changes_the_audit: bool
    missing: tuple[str, ...] = ()


def has_roles(database: Database) -> bool:
    """Tell whether the database has roles; SQLite does not."""
    return database.engine.dialect.name != "sqlite"


async def rights_of(database: Database) -> Rights:
    """Return our role's permissions."""
    row = await database.first(_RIGHTS)
    assert row is not None  # noqa: S101  a SELECT without FROM has a row
    found = row._asdict()
    schema = [] if found.pop("enters_the_schema") else ["USAGE on the schema"]
    tables = [f"{each.privilege} on {each.name}" for each in await database.rows(_missing_rights())]
    return Rights(**found, missing=(*schema, *tables))


async def write_lock_of(database: Database) -> WriteLock:
    """Return why the server accepts no writes."""
    row = await database.first(_LOCK)
    assert row is not None  # noqa: S101  a SELECT without FROM has a row
    return "standby" if row.is_standby else _PLACES.get(row.source, "connection")


def _missing_rights() -> Select[Any]:
    """Return a query for what the role lacks. A table that does not exist yet is the schema's problem."""
    names = sorted({*metadata.tables, *_LESS})
    pairs = [(name, privilege) for name in names for privilege in _LESS.get(name, _ROWS)]
    needed = values(column("name", String), column("privilege", String), name="needed").data(pairs)
    catalog = table("pg_class", column("oid"), column("relname"), column("relnamespace"))
    is_ours = and_(
        catalog.c.relname == needed.c.name, catalog.c.relnamespace == literal_column("'public'::regnamespace")
    )
    may = func.has_table_privilege(catalog.c.oid, needed.c.privilege)
    return (
        select(needed.c.name, needed.c.privilege)
        .select_from(needed.join(catalog, is_ours))
        .where(func.coalesce(may, false()).is_(false()))
        .order_by(needed.c.name, needed.c.privilege)
    )
