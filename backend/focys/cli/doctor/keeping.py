"""The database: whether it answers, holds the right schema, and can be read with the keys at hand."""

from collections.abc import Sequence
from datetime import datetime
from time import perf_counter

from sqlalchemy.exc import SQLAlchemyError

from focys.cli.doctor.finding import Finding, fail, ok, warn
from focys.features.bypass import NotOver
from focys.features.totp import SecretsByKey
from focys.infra.db.database import Database
from focys.infra.db.rights import Rights
from focys.infra.db.schema import current_revision, known_revisions, needed_revision
from focys.settings import Settings

SLOW_MILLISECONDS = 50
GIVE_KEY_BACK = "give back DATA_DIR/secret_key from a backup"

_MENDS = {
    "InvalidPasswordError": "give DATABASE_URL the role's password, or: ALTER ROLE … PASSWORD …",
    "InvalidAuthorizationSpecificationError": "create the role that DATABASE_URL names",
    "InvalidCatalogNameError": "create the database that DATABASE_URL names, then: focys migrate",
    "TooManyConnectionsError": "raise max_connections, or lower DATABASE_POOL_SIZE",
}
_START_IT = "systemctl status postgresql, and check host and port in DATABASE_URL"


def check_files(settings: Settings) -> Finding | None:
    """Return what is wrong with the embedded database's files, if they are in use; nothing is created by looking."""
    name = "database"
    if not settings.is_embedded:
        return None
    if not (settings.data_dir / "focys.db").is_file():
        return warn(name, "the embedded database is not made yet", "focys migrate", aside=str(settings.data_dir))
    if not settings.secret_key.get_secret_value() and not (settings.data_dir / "secret_key").is_file():
        return fail("keys", "the generated key is gone", GIVE_KEY_BACK)
    return None


async def check_reachable(database: Database) -> Finding:
    """Ask the database for its version, and time a second round trip on the open connection."""
    name = "database"
    try:
        version = await database.version()
        begun = perf_counter()
        await database.now()
    except (SQLAlchemyError, OSError) as fault:
        cause = type(getattr(fault, "orig", None) or fault).__name__
        return fail(name, f"does not answer ({cause})", _MENDS.get(cause, _START_IT))
    took = (perf_counter() - begun) * 1000
    detail = f"{version} answers in {took:.1f} ms"
    return ok(name, detail) if took < SLOW_MILLISECONDS else _slow(detail)


def _slow(detail: str) -> Finding:
    return warn("database", f"{detail}; a sign-in asks several times", "bring the service nearer to its database")


async def check_schema(database: Database) -> Finding:
    """Compare the schema's revision with the one this version needs."""
    name, at, needed = "schema", await current_revision(database), needed_revision()
    if at == needed:
        return ok(name, f"at {at}, as this version needs")
    if at is None:
        return fail(name, f"never migrated; this version needs {needed}", "focys migrate")
    if at in known_revisions():
        return fail(name, f"at {at}; this version needs {needed}", "focys migrate")
    return fail(name, f"at {at}, which this version does not know", "install the version of FOCYS that migrated it")


def judge_rights(rights: Rights) -> Finding:
    """Say what the service's role may do that it has no need for: who takes over the service has it, too."""
    name, grants = "role", "sudo -u postgres psql -f /app/deploy/postgres/grants.sql focys_db"
    if not rights.does_its_work:
        return fail(name, "may not read and write what a sign-in needs", grants)
    excess = [
        told
        for has_it, told in (
            (rights.rules_the_server, "rules the whole server"),
            (rights.has_powers and not rights.rules_the_server, "may make databases or roles"),
            (rights.changes_tables, "may change tables"),
            (rights.changes_the_audit, "may change what stands in the audit"),
        )
        if has_it
    ]
    if not excess:
        return ok(name, "reads and writes rows, changes no table, adds to the audit only")
    only_the_audit = not (rights.rules_the_server or rights.has_powers or rights.changes_tables)
    mend = grants if only_the_audit else "run /app/deploy/postgres/roles.sql, and let DATABASE_URL name the role focys"
    return warn(name, ", ".join(excess), mend)


def judge_keys(counted: SecretsByKey, *, fallbacks: int) -> Finding:
    """Say whether every stored second factor can be opened, and which keys are still needed for that."""
    name = "keys"
    total = counted.current + counted.older + counted.unknown
    if counted.unknown:
        return fail(
            name,
            f"{counted.unknown} of {total} second factors cannot be opened",
            "give back the key that made them, in SECRET_KEY_FALLBACKS",
        )
    if counted.older:
        return warn(
            name,
            f"{counted.older} of {total} second factors still need a fallback key",
            "focys keys rotate",
        )
    if fallbacks:
        return ok(name, f"SECRET_KEY opens all {total} second factors; a fallback may go a day after the change")
    return ok(name, f"SECRET_KEY opens all {total} second factors")


def judge_bypasses(not_over: Sequence[NotOver], now: datetime) -> Finding:
    """Say who signs in without the second step just now."""
    name, mend = "mfa bypass", "focys mfa bypass --end"
    in_force = [bypass for bypass in not_over if bypass.is_in_force(now)]
    if not_over and not in_force:
        return warn(name, "none is in force, but one waits whose time a clock that was ahead has set", mend)
    if not in_force:
        return ok(name, "none is in force; everybody who has a second step is asked for it")
    named = sum(bypass.address is not None for bypass in in_force)
    whom = [f"{named} named {'person' if named == 1 else 'people'}"] if named else []
    whom += ["everybody but administrators"] if named < len(in_force) else []
    until = max(bypass.ends_at for bypass in in_force)
    detail = f"{' and '.join(whom)} may sign in with the password alone, until {until:%H:%M} UTC at most"
    return warn(name, detail, mend, aside=f"({'; '.join(bypass.reason for bypass in in_force)})")
