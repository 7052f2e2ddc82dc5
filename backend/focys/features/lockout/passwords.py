"""Wrong passwords per account and network: counted before the password is looked at, given back when it was right."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, update
from sqlalchemy.dialects.postgresql import insert

from focys.domain.lockout import PASSWORD_MEMORY, password_delay
from focys.features.lockout.models import throttles
from focys.features.lockout.rate_limiter import ACCOUNTS_TRIED, PASSWORD_FAILURES, Limits
from focys.infra.database import Change, Database
from focys.infra.keys import KeyRing, Purpose

_insert = insert(throttles)
# Both databases speak the same ON CONFLICT, so one construct serves both.
_CHARGE = _insert.values(
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
_REFUND = (
    update(throttles)
    .where(throttles.c.key == bindparam("throttle_key"), throttles.c.hits > 0)
    .values(hits=throttles.c.hits - 1)
)
_CLEAR = delete(throttles).where(throttles.c.key == bindparam("throttle_key"))


@dataclass(frozen=True, slots=True)
class PasswordLimit:
    """What one bucket's counter says now. ``retry_after`` in seconds, while the next try has to wait."""

    key: str
    hits: int
    stored_hits: int
    retry_after: int | None


@dataclass(frozen=True, slots=True)
class Charge:
    """What came of counting a try: whether the account counted it, which network did, or the seconds to wait."""

    is_counted: bool = False
    source: str | None = None
    retry_after: int | None = None


def password_keys(keys: KeyRing, address: str) -> str:
    """Return what stands for an address in counters: a keyed hash, so that known and unknown ones look alike."""
    return keys.mac(Purpose.THROTTLE_KEYS, address)[:16].hex()


class PasswordLedger:
    """Counts wrong passwords: five are free, then each waits twice as long as the one before; networks have limits."""

    def __init__(self, database: Database, sources: Limits) -> None:
        self._database, self._sources = database, sources

    @staticmethod
    def judge(key: str, row: Any, now: datetime) -> PasswordLimit:  # noqa: ANN401  (hits, last_at) or None
        """Read a counter as it stands; a try that a wrong clock stamped further ahead than its delay delays nothing."""
        hits, last_at = row or (0, None)
        stored = hits or 0
        if last_at is None or last_at + PASSWORD_MEMORY < now:
            return PasswordLimit(key, 0, stored, None)
        delay = password_delay(stored)
        wait = (min(last_at, now) + delay - now).total_seconds() if last_at <= now + delay else 0
        return PasswordLimit(key, stored, stored, max(1, round(wait)) if wait > 0 else None)

    async def charge(self, limit: PasswordLimit, source: str | None, now: datetime) -> Charge:
        """Count one try for the account, if nobody else has counted since its counter was read, and for *source*."""
        account = Change(
            _CHARGE,
            {
                "the_key": limit.key,
                "new_hits": limit.hits + 1,
                "hits_read": limit.stored_hits,
                "moment": now,
                "until": now + PASSWORD_MEMORY,
            },
        )
        if source is None:
            [counted] = await self._database.counts(account)
            return Charge(is_counted=counted > 0)
        network = await self._sources.charge_within(PASSWORD_FAILURES, source, other=ACCOUNTS_TRIED, now=now)
        if isinstance(network, Change):
            counted, within = await self._database.counts(account, network)
        else:
            counted, within = (*await self._database.counts(account), 1) if network else (0, 0)
        if within:
            return Charge(is_counted=counted > 0, source=source)
        if counted:
            await self._database.write(self.refund(limit, known_browser=False))
        return Charge(retry_after=await self._wait(source) or 1)

    async def give_back(self, source: str | None, now: datetime) -> list[Change]:
        """Return what gives a network's try back."""
        return [] if source is None else await self._sources.give_back(PASSWORD_FAILURES, source, now=now)

    @staticmethod
    def refund(limit: PasswordLimit, *, known_browser: bool) -> Change:
        """Give the try back: the password was right. A known browser's own count starts anew."""
        return Change(_CLEAR if known_browser else _REFUND, {"throttle_key": limit.key})

    async def _wait(self, source: str) -> int | None:
        return await self._sources.is_used_up(PASSWORD_FAILURES, source) or await self._sources.is_used_up(
            ACCOUNTS_TRIED, source
        )
