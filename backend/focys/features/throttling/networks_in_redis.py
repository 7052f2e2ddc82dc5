"""Network counters in Redis or Valkey, or in the database while that is down, slow or broken.

    focys:source-passwords/NETWORK  hash: began, count, and the failures of each account in the network's set
    focys:source-accounts/NETWORK   hash: began, count, last, and a field for each account that holds a place

Redis runs each script atomically, so no other try can interfere between reading and writing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic

from redis.asyncio import Redis

from focys.domain.networks import ACCOUNTS_WINDOW, FAILURES_WINDOW, NetworkLimit
from focys.features.throttling.networks import (
    ACCOUNTS,
    FAILURES,
    IN_FLIGHT,
    AccountCharge,
    Counted,
    Full,
    NetworkError,
    Try,
    Usage,
    Used,
    refused,
)
from focys.features.throttling.networks_in_database import NetworksInDatabase
from focys.infra.db.database import Change, Database
from focys.infra.ops.clock import Clock
from focys.infra.ops.logs import logger

TIMEOUT_SECONDS = 0.25
PAUSE_SECONDS = 5
"""How long Redis is left alone after a failure."""
SCAN_SECONDS = 10

_UNREACHABLE = (
    "The network counters are in Redis or Valkey (RATE_LIMIT_STORAGE), which does not respond; nothing was changed."
)
_PREFIX = "focys:"
_NOT_ACCOUNTS = 3
"""The number of fields that are not accounts: began, count, last."""

_log = logger("focys.limits")

# Returns {0, whether the account was listed} if the try was counted, or {the limit reached, milliseconds to wait}.
_CHARGE = f"""
local account, most_failures, most_accounts, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function number(key, name) return tonumber(redis.call('hget', key, name) or 0) end
local function begin(key, seconds)
  if redis.call('exists', key) == 0 then
    redis.call('hset', key, 'began', ARGV[4], 'count', 0)
    if key == KEYS[2] then redis.call('hset', key, 'last', ARGV[4]) end
    redis.call('expire', key, seconds)
  elseif number(key, 'began') > now then
    redis.call('hset', key, 'began', ARGV[4])
  end
end
local failures, places = number(KEYS[1], 'count'), number(KEYS[2], 'count')
local listed = redis.call('hexists', KEYS[2], account)
local full = (failures >= most_failures and 1) or (places >= most_accounts and listed == 0 and 2) or 0
if full > 0 then
  local accounts = redis.call('hlen', KEYS[2]) - {_NOT_ACCOUNTS}
  local in_flight = number(KEYS[2], 'last') >= now - tonumber(ARGV[7]) and accounts < places
  return {{full, in_flight and 1000 or redis.call('pttl', KEYS[full])}}
end
begin(KEYS[1], ARGV[5])
begin(KEYS[2], ARGV[6])
redis.call('hincrby', KEYS[1], 'count', 1)
if listed == 0 then
  redis.call('hincrby', KEYS[2], 'count', 1)
  redis.call('hset', KEYS[2], 'last', ARGV[4])
end
return {{0, listed}}
"""
_COMMON = """
local account, tried_at, listed = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local function is_ours(key)
  local began = redis.call('hget', key, 'began')
  return began and tonumber(began) <= tried_at
end
local function take(key, number)
  redis.call('hset', key, 'count', math.max(0, tonumber(redis.call('hget', key, 'count')) - number))
end
"""
_KEEP = f"""{_COMMON}
if not is_ours(KEYS[2]) then return {{0}} end
if not listed and redis.call('hsetnx', KEYS[2], account, 1) == 0 then take(KEYS[2], 1) end
if is_ours(KEYS[1]) and redis.call('hexists', KEYS[2], account) == 1 then
  redis.call('hincrby', KEYS[1], account, 1)
end
return {{1}}
"""
_REFUND = f"""{_COMMON}
local forgiving, earlier = ARGV[4] == '1', 0
if is_ours(KEYS[1]) then
  if forgiving then
    earlier = tonumber(redis.call('hget', KEYS[1], account) or 0)
    redis.call('hdel', KEYS[1], account)
  end
  take(KEYS[1], 1 + earlier)
end
if is_ours(KEYS[2]) and (not listed or (forgiving and redis.call('hdel', KEYS[2], account) == 1)) then
  take(KEYS[2], 1)
end
return {{1}}
"""
_READ = """
return {tonumber(redis.call('hget', KEYS[1], 'count') or 0), redis.call('pttl', KEYS[1])}
"""
_FORGET = "return {redis.call('del', KEYS[1], KEYS[2])}"


class NetworksInRedis:
    """Network counters in Redis or Valkey. A try counted in the database during an outage is also settled there."""

    def __init__(self, url: str, database: Database, clock: Clock) -> None:
        self._client = Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, decode_responses=True
        )
        self._scripts = {
            script: self._client.register_script(script) for script in (_CHARGE, _KEEP, _REFUND, _READ, _FORGET)
        }
        self._database, self._clock = database, clock
        self._fallback = NetworksInDatabase(database, clock)
        self._paused_until = 0.0

    async def charge(self, tried: Try, limit: NetworkLimit, account: AccountCharge) -> Counted | Full | None:
        """Charge a try to its network and then to its account."""
        windows = [int(window.total_seconds()) for window in (FAILURES_WINDOW, ACCOUNTS_WINDOW)]
        result = await self._run_for(
            _CHARGE,
            tried.network,
            [tried.account, limit.failures, limit.accounts, _milliseconds(tried.at), *windows, _IN_FLIGHT],
        )
        if result is None:
            return await self._fallback.charge(tried, limit, account)
        full, more = result
        if full:
            return refused((FAILURES, ACCOUNTS)[full - 1], more / 1000)
        counted = Counted(tried, bool(more), self)
        [by_account] = await self._database.counts(account.counted)
        if not by_account:
            await self.give_back(counted, forgiving=False)
            return None
        return counted

    async def keep(self, counted: Counted) -> None:
        """Settle a try with a wrong password; if Redis is down, its count is lost."""
        await self._run_for(_KEEP, counted.tried.network, _settle_arguments(counted))

    async def give_back(self, counted: Counted, *, forgiving: bool) -> list[Change]:
        """Refund a try at once."""
        await self._run_for(_REFUND, counted.tried.network, [*_settle_arguments(counted), int(forgiving)])
        return []

    async def usage(self) -> Mapping[str, Usage]:
        """Return how much of its limits each network has used; if the database has counted too, the higher count."""
        found = dict(await self._fallback.usage())
        for network in await self._networks():
            there, here = await self._usage_of(network), found.get(network, Usage())
            found[network] = Usage(_higher(there.failures, here.failures), _higher(there.accounts, here.accounts))
        return found

    async def knows(self, network: str) -> bool:
        """Return whether Redis or the database has counted anything for a network."""
        in_redis = await self._usage_of(network)
        return in_redis != Usage() or await self._fallback.knows(network)

    async def forget(self, network: str) -> list[Change]:
        """Clear a network's counters in Redis, and return the change that clears them in the database."""
        if await self._run_for(_FORGET, network, []) is None:
            raise NetworkError(_UNREACHABLE)
        return await self._fallback.forget(network)

    async def close(self) -> None:
        """Close the connections; ignore one that is already lost."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._client.aclose()

    async def _networks(self) -> set[str]:
        found: set[str] = set()
        try:
            async with asyncio.timeout(SCAN_SECONDS):
                async for key in self._client.scan_iter(match=f"{_PREFIX}source-*", count=1000):
                    found.add(str(key).partition("/")[2])
        except Exception as fault:
            raise NetworkError(_UNREACHABLE) from fault
        return found

    async def _usage_of(self, network: str) -> Usage:
        return Usage(*[await self._used(limit, network) for limit in (FAILURES, ACCOUNTS)])

    async def _used(self, limit: str, network: str) -> Used:
        result = await self._run(_READ, [f"{_PREFIX}{limit}/{network}"], [])
        if result is None:
            raise NetworkError(_UNREACHABLE)
        count, milliseconds = result
        return Used(count, self._clock.now() + timedelta(milliseconds=milliseconds)) if count else Used()

    async def _run_for(self, script: str, network: str, arguments: Sequence[str | int]) -> list[int] | None:
        return await self._run(script, [f"{_PREFIX}{limit}/{network}" for limit in (FAILURES, ACCOUNTS)], arguments)

    async def _run(self, script: str, keys: list[str], arguments: Sequence[str | int]) -> list[int] | None:
        """Return a script's result, or None if Redis does not respond or failed in the last few seconds."""
        if monotonic() < self._paused_until:
            return None
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return [int(number) for number in await self._scripts[script](keys=keys, args=list(arguments))]
        except Exception as fault:  # noqa: BLE001  the limit must hold, whatever is wrong with Redis
            self._paused_until = monotonic() + PAUSE_SECONDS
            _log.warning("redis_unavailable", kind=type(fault).__name__, counting="in the database")
            return None


_IN_FLIGHT = int(IN_FLIGHT.total_seconds() * 1000)


def _settle_arguments(counted: Counted) -> list[str | int]:
    return [counted.tried.account, _milliseconds(counted.tried.at), int(counted.was_listed)]


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _higher(one: Used, other: Used) -> Used:
    return one if one.count >= other.count else other
