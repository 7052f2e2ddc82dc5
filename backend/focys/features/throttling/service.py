"""Wrong passwords per account and network: charged before the password is compared, refunded if it was right."""

from dataclasses import dataclass
from datetime import datetime

from focys.domain.lockout import MEMORY, PASSWORD_DELAY_MAX, PASSWORD_MEMORY, password_delay
from focys.domain.networks import NetworkLimits
from focys.features.throttling.networks import AccountCharge, Counted, Full, NetworkCounters, Try
from focys.features.throttling.repository import CLEAR, COUNT, REFUND
from focys.infra.crypto.keys import KeyRing, Purpose
from focys.infra.db.database import Change, Database

CLOSED_AFTER = 100
"""How many wrong passwords, each within a day of the one before, close a bucket (NIST SP 800-63B-4, 3.2.2)."""
CLOSED_MEMORY = MEMORY


@dataclass(frozen=True, slots=True)
class PasswordLimit:
    """A bucket's counter as of now. ``retry_after`` is in seconds; None if the next try need not wait."""

    key: str
    hits: int
    stored_hits: int
    retry_after: int | None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PasswordCharge:
    """A counted try: in its bucket and, unless it came from a known browser, for its network."""

    bucket: PasswordLimit
    at: datetime
    network: Counted | None

    @property
    def closes(self) -> bool:
        """Whether a wrong password closes the bucket."""
        return self.bucket.hits + 1 == CLOSED_AFTER


def password_keys(keys: KeyRing, address: str) -> str:
    """Return the counter key for an address: a keyed hash, so known and unknown addresses look alike."""
    return keys.mac(Purpose.THROTTLE_KEYS, address)[:16].hex()


class PasswordThrottle:
    """Counts wrong passwords: five are free, then the wait doubles each time; a hundred close the bucket.

    A bucket is an account and a network, or an account and one of its known browsers. Networks have their own limits.
    """

    def __init__(self, database: Database, networks: NetworkCounters, limits: NetworkLimits) -> None:
        self._database, self._networks, self._limits = database, networks, limits

    @staticmethod
    def evaluate(key: str, row: tuple[int | None, datetime | None], now: datetime) -> PasswordLimit:
        """Evaluate a counter (hits and last_at) as of *now*.

        There is no delay if the last try is further in the future than the delay: a wrong clock recorded it.
        """
        hits, last_at = row[0] or 0, row[1]
        is_closed = hits >= CLOSED_AFTER
        if last_at is None or last_at + (CLOSED_MEMORY if is_closed else PASSWORD_MEMORY) < now:
            return PasswordLimit(key, 0, hits, None)
        if is_closed:
            return PasswordLimit(key, hits, hits, int(PASSWORD_DELAY_MAX.total_seconds()), last_at)
        delay = password_delay(hits)
        wait = (min(last_at, now) + delay - now).total_seconds() if last_at <= now + delay else 0
        return PasswordLimit(key, hits, hits, max(1, round(wait)) if wait > 0 else None, last_at)

    async def charge(self, bucket: PasswordLimit, tried: Try | None, now: datetime) -> PasswordCharge | Full | None:
        """Count one try in its bucket and, unless *tried* is None (a known browser), for its network: both or neither.

        Return None if another try was counted first; the bucket must then be read again.
        """
        account = AccountCharge(_counted(bucket, now), _refunded(bucket, now))
        if tried is None:
            [counted] = await self._database.counts(account.counted)
            return PasswordCharge(bucket, now, None) if counted else None
        network = await self._networks.charge(tried, self._limits.of(tried.network), account)
        return PasswordCharge(bucket, now, network) if isinstance(network, Counted) else network

    async def keep(self, charge: PasswordCharge) -> None:
        """Settle a try with a wrong password."""
        if charge.network is not None:
            await charge.network.by.keep(charge.network)

    async def forgive(self, charge: PasswordCharge) -> list[Change]:
        """Return the changes for a right password: refund the try, and remove the account from the network's set.

        A known browser's bucket is cleared; the bucket of an account and network keeps its earlier failures.
        """
        if charge.network is None:
            return [Change(CLEAR, {"throttle_key": charge.bucket.key})]
        return await self._refunds(charge, charge.network, forgiving=True)

    async def undo(self, charge: PasswordCharge) -> None:
        """Refund a try with a password that was not compared."""
        if charge.network is None:
            await self._database.write(_refunded(charge.bucket, charge.at))
        else:
            await self._database.write(*await self._refunds(charge, charge.network, forgiving=False))

    @staticmethod
    async def _refunds(charge: PasswordCharge, network: Counted, *, forgiving: bool) -> list[Change]:
        refund = _refunded(charge.bucket, charge.at)
        return [refund, *await network.by.give_back(network, forgiving=forgiving)]


def _counted(bucket: PasswordLimit, now: datetime) -> Change:
    hits = bucket.hits + 1
    return Change(
        COUNT,
        {
            "the_key": bucket.key,
            "new_hits": hits,
            "hits_read": bucket.stored_hits,
            "moment": now,
            "until": now + (CLOSED_MEMORY if hits >= CLOSED_AFTER else PASSWORD_MEMORY),
        },
    )


def _refunded(bucket: PasswordLimit, now: datetime) -> Change:
    last_wrong_at = bucket.last_at or now
    return Change(
        REFUND,
        {
            "throttle_key": bucket.key,
            "charged_hits": bucket.hits + 1,
            "last_wrong_at": last_wrong_at,
            "remembered_until": last_wrong_at + PASSWORD_MEMORY if bucket.hits else now,
        },
    )
