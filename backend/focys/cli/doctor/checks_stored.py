"""The way to the database, and rows in it that another program wrote."""

from ipaddress import ip_address

from sqlalchemy import Select, column, func, select, table

from focys.cli.doctor.report import Finding, fail, ok, warn
from focys.features.accounts import FIX_ADDRESSES, FIX_HASH, Unusable
from focys.infra.db.database import Database
from focys.settings import Settings, inherited
from focys.settings.database_url import options_of

_ENCRYPTED: Select[tuple[bool]] = (
    select(column("ssl")).select_from(table("pg_stat_ssl")).where(column("pid") == func.pg_backend_pid())
)


async def check_encryption(database: Database, settings: Settings) -> Finding:
    """Ask the server whether our connection is encrypted, and the settings whether we know who it is."""
    row = await database.first(_ENCRYPTED)
    # Where the address names no host, the driver asks libpq's variable.
    options = {"host": inherited(("PGHOST",)).get("PGHOST", ""), **options_of(settings.database)}
    return encryption_finding(options, is_encrypted=row is not None and bool(row[0]))


def encryption_finding(options: dict[str, str], *, is_encrypted: bool) -> Finding:
    """Report whether someone between us and the database can read or change what we say to each other."""
    name, fix = "database tls", "add sslmode=verify-full and sslrootcert=FILE to DATABASE_URL"
    mode = options.get("sslmode", "")
    if is_encrypted and mode == "verify-full":
        return ok(name, "encrypted, and the server's certificate is verified")
    if all(_is_here(host) for host in options.get("host", "").split(",")):
        return ok(name, "not needed: the connection does not leave this machine")
    if not is_encrypted:
        return warn(name, "the connection is not encrypted", fix)
    if mode == "verify-ca" or (mode == "require" and "sslrootcert" in options):
        detail = "encrypted, but any server with a certificate of the same authority is accepted"
        return warn(name, detail, "set sslmode=verify-full in DATABASE_URL, or PGSSLMODE=verify-full")
    return warn(name, "encrypted, but the server's certificate is not verified", fix)


def accounts_finding(unusable: Unusable) -> Finding:
    """Report accounts that nobody can sign in to, because another program wrote them."""
    name = "accounts"
    found = []
    if unusable.addresses:
        detail = f"{unusable.addresses} with capitals in the address; a sign-in looks for it in lowercase"
        found.append((detail, FIX_ADDRESSES))
    if unusable.hashes:
        detail = f"{unusable.hashes} with a password hash that is not Argon2; every password is wrong for them"
        found.append((detail, f"{FIX_HASH}, for each of them"))
    if found:
        return fail(name, "; and ".join(detail for detail, _ in found), "; then ".join(fix for _, fix in found))
    return ok(name, "all addresses and password hashes can be used")


def _is_here(host: str) -> bool:
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
