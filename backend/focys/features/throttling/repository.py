"""The SQL of wrong passwords per bucket: an account and a network, or an account and a known browser."""

from datetime import datetime

from sqlalchemy import bindparam, case, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from focys.domain.lockout import PASSWORD_MEMORY
from focys.features.rate_limits import throttles
from focys.infra.db.database import Change, Database, UtcTime
from focys.infra.db.lifetime import TOLERANCE

_insert = insert(throttles)
# PostgreSQL and SQLite have the same ON CONFLICT syntax.
COUNT = _insert.values(
    key=bindparam("the_key"),
    hits=bindparam("new_hits"),
    last_at=bindparam("moment"),
    expires_at=bindparam("until"),
).on_conflict_do_update(
    index_elements=[throttles.c.key],
    set_={
        "hits": _insert.excluded.hits,
        "last_at": _insert.excluded.last_at,
        "expires_at": _insert.excluded.expires_at,
    },
    where=throttles.c.hits == bindparam("hits_read"),
)
_is_ours = throttles.c.hits == bindparam("charged_hits")
# A right password does not extend the bucket, which expires a day after the last wrong one.
REFUND = (
    update(throttles)
    .where(throttles.c.key == bindparam("throttle_key"), throttles.c.hits > 0)
    .values(
        hits=throttles.c.hits - 1,
        last_at=case((_is_ours, bindparam("last_wrong_at", type_=UtcTime())), else_=throttles.c.last_at),
        expires_at=case((_is_ours, bindparam("remembered_until", type_=UtcTime())), else_=throttles.c.expires_at),
    )
)
CLEAR = delete(throttles).where(throttles.c.key == bindparam("throttle_key"))
_MOST_TRIED = 5000
"""How many of the newest buckets are read at most; more than that in an hour is an attack anyway."""

# A bucket expires a day after its last wrong password, so the index on expires_at finds those of the last hour.
_TRIED = (
    select(throttles.c.key)
    .where(
        throttles.c.expires_at > bindparam("since"),
        throttles.c.expires_at <= bindparam("until"),
        throttles.c.key.like("password:%"),
        throttles.c.hits > 0,
    )
    .order_by(throttles.c.expires_at.desc())
    .limit(_MOST_TRIED)
)
_WRONG = select(throttles.c.hits).where(
    throttles.c.key.like(bindparam("key_pattern")),
    throttles.c.hits > 0,
    throttles.c.expires_at > bindparam("moment"),
)
_FORGIVE_PASSWORDS = delete(throttles).where(throttles.c.key.like(bindparam("key_pattern")))


def passwords_forgiven(account_key: str) -> Change:
    """Delete all wrong-password buckets of an account, for an operator."""
    return Change(_FORGIVE_PASSWORDS, {"key_pattern": f"password:{account_key}:%"})


async def list_wrong_passwords(database: Database, account_key: str, now: datetime) -> list[int]:
    """Return how many wrong passwords each network and known browser sent for an account, until they are forgotten."""
    rows = await database.rows(_WRONG, key_pattern=f"password:{account_key}:%", moment=now)
    return [row.hits for row in rows]


async def list_tried(database: Database, since: datetime, now: datetime) -> list[tuple[str, str]]:
    """Return the account key and network of each bucket with a wrong password after *since*.

    For a known browser's bucket, the browser's key replaces the network.
    """
    rows = await database.rows(_TRIED, since=since + PASSWORD_MEMORY, until=now + TOLERANCE + PASSWORD_MEMORY)
    keys = (row.key.split(":", 2) for row in rows)
    return [(account, source) for _, account, source in keys]
