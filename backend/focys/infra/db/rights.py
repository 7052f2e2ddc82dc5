"""Which permissions the service's database role has: those it needs, and those it should not have."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, literal_column, select

from focys.infra.db.database import Database

_CHECKS = {
    "rules_the_server": "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)",
    "has_powers": "(SELECT rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
    " FROM pg_roles WHERE rolname = current_user)",
    "changes_tables": "has_schema_privilege('public', 'CREATE')"
    " OR pg_has_role((SELECT relowner FROM pg_class WHERE oid = to_regclass('public.users')), 'MEMBER')",
    "changes_the_audit": "has_table_privilege(to_regclass('public.audit_events'), 'UPDATE, DELETE, TRUNCATE')",
    "does_its_work": "has_table_privilege(to_regclass('public.audit_events'), 'INSERT')"
    " AND has_table_privilege(to_regclass('public.audit_events'), 'SELECT')"
    " AND has_table_privilege(to_regclass('public.users'), 'SELECT')"
    " AND has_table_privilege(to_regclass('public.users'), 'UPDATE')",
}
_RIGHTS: Select[Any] = select()
for _name, _check in _CHECKS.items():
    _RIGHTS = _RIGHTS.add_columns(literal_column(f"COALESCE({_check}, false)").label(_name))


@dataclass(frozen=True, slots=True)
class Rights:
    """The permissions of a role."""

    rules_the_server: bool
    has_powers: bool
    changes_tables: bool
    changes_the_audit: bool
    does_its_work: bool


def has_roles(database: Database) -> bool:
    """Tell whether the database has roles; SQLite does not."""
    return database.engine.dialect.name != "sqlite"


async def rights_of(database: Database) -> Rights:
    """Return our role's permissions."""
    row = await database.first(_RIGHTS)
    assert row is not None  # noqa: S101  a SELECT without FROM has a row
    return Rights(**row._asdict())
