"""The database: connection, schema, role and keys; and what it knows of clocks and bypasses."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from sqlalchemy.exc import SQLAlchemyError

from focys.cli.doctor.checks_local import OWNER_SERVICE, OWNER_URL
from focys.cli.doctor.report import Finding, fail, ok, warn
from focys.domain.totp import PERIOD
from focys.features.bypass import NotOver
from focys.features.totp import SecretsByKey
from focys.infra.db.database import Database
from focys.infra.db.rights import Rights, WriteLock, write_lock_of
from focys.infra.db.schema import current_revision, is_still_served, known_revisions, needed_revision
from focys.infra.ops.clock import SystemClock
from focys.infra.web.health import MOST_APART_SECONDS
from focys.settings import Settings

SLOW_MILLISECONDS = 50
NOTICEABLE_SECONDS = 1
FAR_SECONDS = MOST_APART_SECONDS
MIN_PHONES = 5
SHOWN = 3
RESTORE_KEY = "restore DATA_DIR/secret_key from your copy of it"
FIX_CLOCK = "timedatectl set-ntp true; the same on the database's machine, if that is another"
RESTART = "systemctl restart focys-backend"


_PSQL = "sudo -u postgres psql -qc"
_FIXES = (
    ("gaierror", "", "correct the host in DATABASE_URL"),
    (
        "SSLCertVerificationError",
        "",
        "name the certificate of its authority in sslrootcert or PGSSLROOTCERT, and the host as in the server's own",
    ),
    ("ConnectionError", "SSL", "turn TLS on in PostgreSQL, or correct sslmode in DATABASE_URL, or PGSSLMODE"),
    ("InvalidPasswordError", "", "correct the role and its password in DATABASE_URL"),
    ("InvalidAuthorizationSpecificationError", "not permitted", f"{_PSQL} 'ALTER ROLE {{role}} LOGIN'"),
    (
        "InvalidAuthorizationSpecificationError",
        "",
        "allow this machine in pg_hba.conf, then: systemctl reload postgresql",
    ),
    ("InvalidCatalogNameError", "", "correct the database's name in DATABASE_URL, or create it: docs/DEPLOYMENT.md"),
    ("InsufficientPrivilegeError", "", f"{_PSQL} 'GRANT CONNECT ON DATABASE {{database}} TO {{role}}'"),
    ("TooManyConnectionsError", "for role", f"{_PSQL} 'ALTER ROLE {{role}} CONNECTION LIMIT -1'"),
    ("TooManyConnectionsError", "for database", f"{_PSQL} 'ALTER DATABASE {{database}} CONNECTION LIMIT -1'"),
    ("TooManyConnectionsError", "", "raise max_connections, or lower DATABASE_POOL_SIZE"),
    ("DiskFullError", "", "free some space on PostgreSQL's disk: du -xh / | sort -h | tail"),
    ("CannotConnectNowError", "", "wait until PostgreSQL has started: journalctl -u 'postgresql*'"),
)
"""What helps against a refused connection, by the driver's error and the server's words."""
_START_IT = "systemctl restart postgresql; if that changes nothing, correct host and port in DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Names:
    """The database and the role in DATABASE_URL, for commands that fix them."""

    database: str = "focys_db"
    role: str = "focys"

    @property
    def grants(self) -> str:
        """The command that gives the service its permissions, and no others."""
        role = "" if self.role == "focys" else f"-v app_role={self.role} "
        psql, database = "sudo -u postgres psql", self.database
        if OWNER_SERVICE.is_file():
            psql, database = f"PGSERVICEFILE={OWNER_SERVICE} psql", "service=focys_owner"
        return f"{psql} -q {role}-f /app/deploy/postgres/grants.sql {database}"

    @property
    def migrate(self) -> str:
        """The command that migrates the tables, as their owner where that is another role."""
        if OWNER_URL.is_file():
            return f"DATABASE_URL_FILE={OWNER_URL} focys migrate && {self.grants}"
        return "focys migrate"

    def sql(self, statement: str) -> str:
        """Return the command that runs a statement as PostgreSQL's superuser."""
        return f"{_PSQL} '{statement}'"


def check_files(settings: Settings) -> Finding | None:
    """Return what is wrong with the embedded database's files, if they are in use. The check creates nothing."""
    name = "database"
    if not settings.is_embedded:
        return None
    if not (settings.data_dir / "focys.db").is_file():
        return warn(name, "the embedded database does not exist yet", "focys migrate", aside=str(settings.data_dir))
    if not settings.secret_key.get_secret_value() and not (settings.data_dir / "secret_key").is_file():
        return fail("keys", "the generated key is missing", RESTORE_KEY)
    return None


async def check_reachable(database: Database, names: Names) -> Finding:
    """Ask the database for its version, and time a second round trip on the open connection."""
    name = "database"
    try:
        version = await database.version()
        start = perf_counter()
        await database.now()
    except (SQLAlchemyError, OSError) as fault:
        cause = getattr(fault, "orig", None) or fault
        return fail(name, f"no response ({type(cause).__name__})", connection_fix(cause, names))
    took = (perf_counter() - start) * 1000
    detail = f"{version} responds in {took:.1f} ms"
    if took < SLOW_MILLISECONDS:
        return ok(name, detail)
    return warn(name, f"{detail}; a sign-in makes several calls", "move the service closer to its database")


def connection_fix(cause: BaseException, names: Names) -> str:
    """Return what helps against a connection that failed."""
    kind = "gaierror" if isinstance(cause, socket.gaierror) else type(cause).__name__
    found = next((fix for name, words, fix in _FIXES if name == kind and words in str(cause)), _START_IT)
    return found.format(database=names.database, role=names.role)


async def check_writes(database: Database, names: Names) -> Finding:
    """Ask whether the database accepts writes, and if not, why."""
    return writes_finding(None if await database.takes_writes() else await write_lock_of(database), names)


def writes_finding(lock: WriteLock | None, names: Names) -> Finding:
    """Report whether rows can be written; without that, nobody can sign in."""
    name = "writes"
    match lock:
        case None:
            return ok(name, "the database accepts writes")
        case "standby":
            fix = f"name the primary in DATABASE_URL; if this is to be the primary: {names.sql('SELECT pg_promote()')}"
            return fail(name, "this server is a standby and accepts no writes", fix)
        case "database":
            fix = names.sql(f"ALTER DATABASE {names.database} RESET default_transaction_read_only")
        case "role":
            fix = names.sql(f"ALTER ROLE {names.role} RESET default_transaction_read_only")
        case "server":
            fix = names.sql("ALTER SYSTEM RESET default_transaction_read_only") + (
                " && sudo -u postgres psql -qc 'SELECT pg_reload_conf()'"
            )
        case _:
            fix = "remove default_transaction_read_only from DATABASE_URL or PGOPTIONS"
    return fail(name, f"the database is read-only (set for the {lock})", f"{fix} && {RESTART}")


async def check_schema(database: Database, names: Names) -> Finding:
    """Compare the schema's revision with the one this version needs."""
    name, at, needed = "schema", await current_revision(database), needed_revision()
    if at == needed:
        return ok(name, f"at {at}, which this version needs")
    if at is None:
        return fail(name, f"never migrated; this version needs {needed}", names.migrate)
    if at in known_revisions():
        return fail(name, f"at {at}; this version needs {needed}", names.migrate)
    if await is_still_served(database, at):
        return warn(name, f"at {at}, newer than this version, which can still serve it", "finish the upgrade")
    return fail(name, f"at {at}, which this version does not know", "install the version of FOCYS that migrated it")


def rights_finding(rights: Rights, names: Names = Names()) -> Finding:
    """Report rights that the role lacks, or does not need: anyone who takes over the service has those, too."""
    name = "role"
    if rights.missing:
        more = f" and {len(rights.missing) - SHOWN} more" if len(rights.missing) > SHOWN else ""
        return fail(name, f"lacks {', '.join(rights.missing[:SHOWN])}{more}", names.grants)
    excess = [
        text
        for has_it, text in (
            (rights.rules_the_server, "is a superuser"),
            (rights.has_powers and not rights.rules_the_server, "can create databases or roles"),
            (rights.changes_tables, "can change tables"),
            (rights.changes_the_audit, "can change audit events"),
        )
        if has_it
    ]
    if not excess:
        return ok(name, "can read and write rows, cannot change tables, can only add to the audit")
    if rights.rules_the_server or rights.has_powers:
        powers = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
        return warn(name, ", ".join(excess), names.sql(f"ALTER ROLE {names.role} {powers}"))
    fix = "use the role focys in DATABASE_URL, not the owner of the tables; /app/deploy/postgres/roles.sql creates it"
    return warn(name, ", ".join(excess), fix if rights.changes_tables else names.grants)


def keys_finding(counted: SecretsByKey, *, fallbacks: int) -> Finding:
    """Report whether every stored TOTP secret can be decrypted, and which keys that still takes."""
    name = "keys"
    total = counted.current + counted.older + counted.unknown
    if counted.unknown:
        fix = "restore SECRET_KEY from your copy, or add the missing key to SECRET_KEY_FALLBACKS"
        return fail(name, f"{counted.unknown} of {total} TOTP secrets cannot be decrypted", fix)
    if counted.older:
        return warn(name, f"{counted.older} of {total} TOTP secrets still need a fallback key", "focys keys rotate")
    if fallbacks:
        detail = f"SECRET_KEY decrypts all {total} TOTP secrets; the fallback only keeps sessions alive for a day"
        return warn(name, detail, "a day after the new key, remove SECRET_KEY_FALLBACKS and its file")
    return ok(name, f"SECRET_KEY decrypts all {total} TOTP secrets")


async def check_clock(database: Database, clock: SystemClock) -> Finding:
    """Compare this machine's clock with the database's, allowing for the round trip."""
    before = clock.now()
    theirs = await database.now()
    return clock_finding(before + (clock.now() - before) / 2, theirs)


def clock_finding(ours: datetime, theirs: datetime) -> Finding:
    """Report how far apart the two are; from half a TOTP step on, the service is not ready."""
    apart = (ours - theirs).total_seconds()
    if abs(apart) <= NOTICEABLE_SECONDS:
        return ok("clock", f"this machine and the database agree within {NOTICEABLE_SECONDS} s")
    detail = f"this machine is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the database"
    return (fail if abs(apart) >= FAR_SECONDS else warn)("clock", detail, FIX_CLOCK)


def phones_finding(offsets: Mapping[int, int]) -> Finding:
    """Report what the phones show: where most are off in the same direction, our clock is wrong."""
    name, phones = "phones", sum(offsets.values())
    if phones < MIN_PHONES:
        return ok(name, f"{phones} have signed in; with {MIN_PHONES} or more, the clock is checked against them")
    median = _median(offsets, phones)
    if median == 0:
        return ok(name, f"most of {phones} phones agree with the service's clock")
    whose = "behind" if median > 0 else "ahead"
    return fail(name, f"most of {phones} phones disagree: the service's clock is {PERIOD} s {whose}", FIX_CLOCK)


def bypasses_finding(not_over: Sequence[NotOver], now: datetime) -> Finding:
    """Report who can currently sign in without the second factor."""
    name, fix = "mfa bypass", "focys mfa bypass --end"
    active = [bypass for bypass in not_over if bypass.is_in_force(now)]
    if not_over and not active:
        detail = "none is active, but one is scheduled in the future (created while this machine's clock was ahead)"
        return warn(name, detail, fix)
    if not active:
        return ok(name, "none is active; the second factor is required of everyone who has one")
    named = sum(bypass.address is not None for bypass in active)
    whom = [f"{named} named {'person' if named == 1 else 'people'}"] if named else []
    whom += ["everyone but administrators"] if named < len(active) else []
    until = max(bypass.ends_at for bypass in active)
    detail = f"{' and '.join(whom)} can sign in with the password alone, until {until:%H:%M} UTC at the latest"
    return warn(name, detail, fix, aside=f"({'; '.join(bypass.reason for bypass in active)})")


def _median(offsets: Mapping[int, int], phones: int) -> int:
    seen = 0
    for offset, number in sorted(offsets.items()):
        seen += number
        if seen * 2 > phones:
            return offset
        if seen * 2 == phones:
            # A tie: neither side is the majority.
            return 0
    return 0
