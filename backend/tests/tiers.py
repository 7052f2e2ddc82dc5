"""Which tests belong to which tier: `make test` runs the fast one, `make test-deployment` the other.

Each test, on each database, is in exactly one tier. A path below stands for a file or for all files of a folder.
"""

from typing import Literal, get_args

Tier = Literal["fast", "deployment"]
TIERS: tuple[Tier, ...] = get_args(Tier)

DATABASE_FIXTURES = ("database_url", "empty_url")

# What takes long because it starts the deployed programs, breaks them, or waits for them.
DEPLOYMENT = (
    "bench",
    "deploy",
    "faults",
    "guide",
)

# What is fast, but stands in a folder of the deployment tier.
FAST = (
    "deploy/test_settings_example.py",
    "guide/test_migrations.py",
    "guide/test_security_page.py",
)

# Where the database matters: statements, races, logins, limits and migrations. Other tests that run on both
# databases use SQLite in the fast tier, and PostgreSQL in the deployment tier.
ON_BOTH_DATABASES = (
    "features/factors",
    "features/lockout",
    "features/login",
    "guide/test_migrations.py",
    "infra/test_charging.py",
    "infra/test_database.py",
    "infra/test_rows.py",
    "infra/test_schema.py",
    "journeys",
    "races",
)


def tier_of(path: str, database: str | None) -> Tier:
    """Return the tier of a test by its file's path below ``tests/`` and the database it is parametrized with."""
    if _is_in(path, DEPLOYMENT) and not _is_in(path, FAST):
        return "deployment"
    if database == "postgresql" and not _is_in(path, ON_BOTH_DATABASES):
        return "deployment"
    return "fast"


def _is_in(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)
