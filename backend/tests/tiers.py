"""Which tests belong to which tier: `make test` runs the fast one, `make test-deployment` the other.

Each test, on each database, is in exactly one tier. Patterns match a file's path below ``tests/``.
"""

from fnmatch import fnmatch
from typing import Literal, get_args

Tier = Literal["fast", "deployment"]
TIERS: tuple[Tier, ...] = get_args(Tier)

DATABASE_FIXTURES = ("database_url", "empty_url", "shared_database")
ISOLATION_LEVELS = ("read committed", "repeatable read", "serializable")
"""The default isolation levels a database may have; the fast tier uses the first."""

# What takes long because it starts the deployed programs, breaks them, or waits for them.
DEPLOYMENT = (
    "architecture/test_planted_slips.py",
    "bench/*",
    "cli/test_backup_*",
    "cli/test_doctor_outside.py",
    "cli/test_program.py",
    "cli/test_streams.py",
    "deploy/*",
    "faults/*",
    "guide/*",
    "infra/test_portable_statements.py",
    "infra/test_refused_start.py",
    "infra/test_start_lines.py",
    "infra/test_worker_metrics.py",
    "races/test_bursts.py",
    "scripts/test_audit.py",
    "sieges/*",
)

# Exceptions to the above.
FAST = (
    "deploy/test_settings_example.py",
    "guide/test_migrations.py",
    "guide/test_security_page.py",
    "sieges/test_shared_address.py",
)

# Where the database matters: statements, races, logins, limits and migrations. Other tests that run on both
# databases use SQLite in the fast tier, and PostgreSQL in the deployment tier.
ON_BOTH_DATABASES = (
    "features/factors/*",
    "features/lockout/test_charging.py",
    "features/lockout/test_network_counters.py",
    "features/lockout/test_second_factor_ladder.py",
    "features/lockout/test_tally.py",
    "features/lockout/test_wrong_passwords.py",
    "features/login/test_login_in_progress.py",
    "features/login/test_stages.py",
    "features/login/test_step_up.py",
    "features/password_change/*",
    "guide/test_migrations.py",
    "infra/test_charging.py",
    "infra/test_database.py",
    "infra/test_rows.py",
    "infra/test_schema.py",
    "journeys/*",
    "races/*",
)


def tier_of(path: str, database: str | None) -> Tier:
    """Return the tier of a test by its file and the database it is parametrized with."""
    if matches(path, DEPLOYMENT) and not matches(path, FAST):
        return "deployment"
    if database in ISOLATION_LEVELS[1:]:
        return "deployment"
    if database == "postgresql" and not matches(path, ON_BOTH_DATABASES):
        return "deployment"
    return "fast"


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(path, pattern) for pattern in patterns)
