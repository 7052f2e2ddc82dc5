"""The database: connection, schema, role and keys; and what it knows of clocks, bypasses and unsent email."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from time import perf_counter

from sqlalchemy.exc import SQLAlchemyError

from focys.cli.doctor.report import Finding, fail, ok, warn
from focys.domain.totp import PERIOD
from focys.features.bypass import NotOver
from focys.features.outbox import Outbox
from focys.features.totp import SecretsByKey
from focys.infra.db.database import Database
from focys.infra.db.rights import Rights
from focys.infra.db.schema import current_revision, is_still_served, known_revisions, needed_revision
from focys.infra.ops.clock import SystemClock
from focys.infra.web.health import MOST_APART_SECONDS
from focys.settings import Settings

SLOW_MILLISECONDS = 50
NOTICEABLE_SECONDS = 1
FAR_SECONDS = MOST_APART_SECONDS
MIN_PHONES = 5
STUCK_AFTER = timedelta(minutes=5)
RESTORE_KEY = "restore DATA_DIR/secret_key from your copy of it"
FIX_CLOCK = "timedatectl set-ntp true, on this machine and the database's"

_FIXES = {
    "InvalidPasswordError": "set the role's password in DATABASE_URL, or: ALTER ROLE … PASSWORD …",
    "InvalidAuthorizationSpecificationError": "create the role that DATABASE_URL names",
    "InvalidCatalogNameError": "create the database that DATABASE_URL names, then: focys migrate",
    "TooManyConnectionsError": "raise max_connections, or lower DATABASE_POOL_SIZE",
}
_START_IT = "systemctl status postgresql, and check host and port in DATABASE_URL"


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


async def check_reachable(database: Database) -> Finding:
    """Ask the database for its version, and time a second round trip on the open connection."""
    name = "database"
    try:
        version = await database.version()
        start = perf_counter()
        await database.now()
    except (SQLAlchemyError, OSError) as fault:
        cause = type(getattr(fault, "orig", None) or fault).__name__
        return fail(name, f"no response ({cause})", _FIXES.get(cause, _START_IT))
    took = (perf_counter() - start) * 1000
    detail = f"{version} responds in {took:.1f} ms"
    if took < SLOW_MILLISECONDS:
        return ok(name, detail)
    return warn(name, f"{detail}; a sign-in makes several calls", "move the service closer to its database")


async def check_schema(database: Database) -> Finding:
    """Compare the schema's revision with the one this version needs."""
    name, at, needed = "schema", await current_revision(database), needed_revision()
    if at == needed:
        return ok(name, f"at {at}, which this version needs")
    if at is None:
        return fail(name, f"never migrated; this version needs {needed}", "focys migrate")
    if at in known_revisions():
        return fail(name, f"at {at}; this version needs {needed}", "focys migrate")
    if await is_still_served(database, at):
        return warn(name, f"at {at}, newer than this version, which can still serve it", "finish the upgrade")
    return fail(name, f"at {at}, which this version does not know", "install the version of FOCYS that migrated it")


def rights_finding(rights: Rights) -> Finding:
    """Report rights that the service's role does not need: an attacker who takes over the service has them, too."""
    name, grants = "role", "sudo -u postgres psql -f /app/deploy/postgres/grants.sql focys_db"
    if not rights.does_its_work:
        return fail(name, "cannot read and write what a sign-in needs", grants)
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
    only_the_audit = not (rights.rules_the_server or rights.has_powers or rights.changes_tables)
    fix = grants if only_the_audit else "run /app/deploy/postgres/roles.sql, and use the role focys in DATABASE_URL"
    return warn(name, ", ".join(excess), fix)


def keys_finding(counted: SecretsByKey, *, fallbacks: int) -> Finding:
    """Report whether every stored TOTP secret can be decrypted, and which keys that still takes."""
    name = "keys"
    total = counted.current + counted.older + counted.unknown
    if counted.unknown:
        fix = "add the missing key to SECRET_KEY_FALLBACKS"
        return fail(name, f"{counted.unknown} of {total} TOTP secrets cannot be decrypted", fix)
    if counted.older:
        return warn(name, f"{counted.older} of {total} TOTP secrets still need a fallback key", "focys keys rotate")
    if fallbacks:
        return ok(name, f"SECRET_KEY decrypts all {total} TOTP secrets; remove the fallback a day after the change")
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


async def check_outbox(outbox: Outbox) -> Finding:
    """Look for email that should have been sent."""
    return outbox_finding(await outbox.count_waiting(STUCK_AFTER))


def outbox_finding(stuck: int) -> Finding:
    """Report how many messages have been waiting for too long."""
    minutes = int(STUCK_AFTER.total_seconds() // 60)
    if stuck:
        waiting = "1 message has" if stuck == 1 else f"{stuck} messages have"
        detail = f"{waiting} been waiting for more than {minutes} minutes"
        return warn("outbox", detail, "focys doctor --send-test ADDRESS, and check that the service is running")
    return ok("outbox", f"no message has been waiting for more than {minutes} minutes")


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
