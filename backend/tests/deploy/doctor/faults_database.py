"""What can be wrong with PostgreSQL, with the tables, and with the key to what is in them."""

from tests.deploy.doctor.fault import Fault

_URL = "/etc/focys/database_url"
_KEY = "/etc/focys/secret_key"


def _url(name: str, change: str, told: str, advised: str) -> Fault:
    return Fault(name, f"sed -i '{change}' {_URL}", "database", "fail", told, f"good {_URL}", advised)


def _right(right: str, told: str) -> Fault:
    return Fault(f"no {right}", f'sql "REVOKE {right} FROM focys" focys_db', "role", "fail", told)


CONNECTION = [
    Fault("PostgreSQL is stopped", "systemctl stop postgresql", "database", "fail", "no response"),
    _url("wrong password", "s/focys:[^@]*@/focys:wrong@/", "InvalidPasswordError", "password in DATABASE_URL"),
    _url("wrong database", "s/focys_db/focys_bd/", "InvalidCatalogNameError", "database's name in DATABASE_URL"),
    _url("unknown host", "s/@localhost/@db.invalid/", "no response", "host in DATABASE_URL"),
    _url("wrong port", "s/@localhost/@localhost:5433/", "no response", "correct host and port in DATABASE_URL"),
    Fault("no login", 'sql "ALTER ROLE focys NOLOGIN"', "database", "fail", "InvalidAuthorization"),
    Fault("no connecting", 'sql "REVOKE CONNECT ON DATABASE focys_db FROM focys"', "database", "fail", "Privilege"),
    Fault("no connection left", 'sql "ALTER ROLE focys CONNECTION LIMIT 0"', "database", "fail", "TooManyConnections"),
]

READ_ONLY = [
    Fault(
        "read-only database",
        'sql "ALTER DATABASE focys_db SET default_transaction_read_only = on"',
        "writes",
        "fail",
        "set for the database",
    ),
    Fault(
        "read-only role",
        'sql "ALTER ROLE focys SET default_transaction_read_only = on"',
        "writes",
        "fail",
        "set for the role",
    ),
    Fault(
        "read-only server",
        'sql "ALTER SYSTEM SET default_transaction_read_only = on"; sql "SELECT pg_reload_conf()"; sleep 1',
        "writes",
        "fail",
        "set for the server",
    ),
    Fault(
        "a standby",
        "sudo -u postgres touch $(echo /var/lib/postgresql/*/main)/standby.signal; systemctl restart postgresql",
        "writes",
        "fail",
        "is a standby",
    ),
]

RIGHTS = [
    _right("ALL ON throttles", "DELETE on throttles, INSERT on throttles"),
    _right("INSERT ON audit_events", "INSERT on audit_events"),
    _right("SELECT ON users", "SELECT on users"),
    _right("UPDATE ON outbox", "UPDATE on outbox"),
    _right("SELECT ON alembic_version", "SELECT on alembic_version"),
    _right("USAGE ON SCHEMA public", "USAGE on the schema"),
    Fault("audit can be changed", 'sql "GRANT UPDATE ON audit_events TO focys" focys_db', "role", "warn", "audit"),
    Fault("service is a superuser", 'sql "ALTER ROLE focys SUPERUSER"', "role", "warn", "superuser"),
    Fault(
        "service is the owner",
        f"cat /etc/focys/owner_database_url > {_URL}",
        "role",
        "warn",
        "can change tables",
        f"good {_URL}",
        "use the role focys in DATABASE_URL",
    ),
]

SCHEMA = [
    Fault(
        "migration missing",
        "cd /app/backend; DATABASE_URL_FILE=/etc/focys/owner_database_url /app/venv/bin/alembic downgrade -1",
        "schema",
        "fail",
        "this version needs",
    ),
    Fault(
        "migration ahead",
        "sql \"UPDATE alembic_version SET version_num = '9999'; UPDATE schema_support SET oldest = '9999'\" focys_db",
        "schema",
        "fail",
        "does not know",
        "sql \"UPDATE alembic_version SET version_num = '$(ls /app/backend/migrations/versions | grep -o ^0... | tail -1)';"
        " UPDATE schema_support SET oldest = '0008'\" focys_db",
        "install the version of FOCYS",
    ),
]

KEYS = [
    Fault(
        "wrong key",
        f"openssl rand -base64 48 > {_KEY}",
        "keys",
        "fail",
        "cannot be decrypted",
        f"good {_KEY}",
        "restore SECRET_KEY",
    ),
    Fault("no key", f"rm {_KEY}", "settings", "fail", "SECRET_KEY: ", f"good {_KEY}", "restore that file"),
    Fault(
        "weak key", f"echo short > {_KEY}", "settings", "fail", "32 bytes", f"good {_KEY}", "correct it in /etc/focys"
    ),
    Fault("unreadable key", f"chmod 600 {_KEY}", "settings", "fail", "Permission denied"),
    Fault(
        "secrets need the fallback",
        f"cp -p {_KEY} {_KEY}_fallbacks; openssl rand -base64 48 > {_KEY}"
        f"; setting SECRET_KEY_FALLBACKS_FILE {_KEY}_fallbacks; systemctl restart focys-backend",
        "keys",
        "warn",
        "still need a fallback key",
        leaves="keys",
    ),
    Fault(
        "fallback is not needed",
        "true",
        "keys",
        "warn",
        "the fallback only keeps sessions alive",
        f"setting SECRET_KEY_FALLBACKS_FILE; rm {_KEY}_fallbacks; systemctl restart focys-backend; rm -r /var/tmp/good"
        "\n{keep}",
        "remove SECRET_KEY_FALLBACKS",
    ),
]

ROWS = [
    Fault(
        "bypass of the second factor",
        'focys mfa bypass --for 30m --yes --reason "trying the doctor"',
        "mfa bypass",
        "warn",
        "with the password alone",
    ),
    Fault(
        "email is stuck",
        "systemctl stop focys-backend; waiting dana@example.com",
        "outbox",
        "warn",
        "been waiting",
    ),
]

DISK = [
    Fault(
        "PostgreSQL's disk is full",
        "systemctl stop 'postgresql@*'; mkdir -p /mnt/pg; mount -t tmpfs -o size=1500m tmpfs /mnt/pg"
        "; cp -a /var/lib/postgresql/. /mnt/pg; mount --bind /mnt/pg /var/lib/postgresql; chmod 755 /var/lib/postgresql"
        "; systemctl restart postgresql; dd if=/dev/zero of=/mnt/pg/full bs=1M || true",
        "database disk",
        "fail",
        "0 MiB free",
        "rm /mnt/pg/full",
        "free some space",
        undo="systemctl stop 'postgresql@*'; umount /var/lib/postgresql /mnt/pg; systemctl restart postgresql",
    )
]

FAULTS = [*CONNECTION, *READ_ONLY, *RIGHTS, *SCHEMA, *KEYS, *ROWS, *DISK]
