"""The networks' counts in Redis or Valkey; while it is down, slow or broken, the database counts instead.

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
"""How long Redis is not asked again after it failed."""
SCAN_SECONDS = 10

_NO_ANSWER = (
    "The counts of networks are in Redis or Valkey (RATE_LIMIT_STORAGE), which does not answer; nothing was changed."
)
_PREFIX = "focys:"
_NOT_ACCOUNTS = 3
"""Fields of the set other than accounts: began, count, last."""

_log = logger("focys.limits")

# Returns whether the try was counted, or which limit is reached and the milliseconds to wait.
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
_OURS = """
local account, tried_at, listed = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local function is_ours(key)
  local began = redis.call('hget', key, 'began')
  return began and tonumber(began) <= tried_at
end
local function take(key, number)
  redis.call('hset', key, 'count', math.max(0, tonumber(redis.call('hget', key, 'count')) - number))
end
"""
_KEEP = f"""{_OURS}
if not is_ours(KEYS[2]) then return {{0}} end
if not listed and redis.call('hsetnx', KEYS[2], account, 1) == 0 then take(KEYS[2], 1) end
if is_ours(KEYS[1]) and redis.call('hexists', KEYS[2], account) == 1 then
  redis.call('hincrby', KEYS[1], account, 1)
end
return {{1}}
"""
_GIVE_BACK = f"""{_OURS}
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
_LOOK = """
return {tonumber(redis.call('hget', KEYS[1], 'count') or 0), redis.call('pttl', KEYS[1])}
"""
_FORGET = "return {redis.call('del', KEYS[1], KEYS[2])}"


class NetworksInRedis:
    """Counts in Redis or Valkey; while it is down, the database counts instead, and settles its own counts."""

    def __init__(self, url: str, database: Database, clock: Clock) -> None:
        self._client = Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, decode_responses=True
        )
        self._scripts = {
            script: self._client.register_script(script) for script in (_CHARGE, _KEEP, _GIVE_BACK, _LOOK, _FORGET)
        }
        self._database, self._clock = database, clock
        self._instead = NetworksInDatabase(database, clock)
        self._left_alone_until = 0.0

    async def charge(self, tried: Try, limit: NetworkLimit, account: AccountCharge) -> Counted | Full | None:
        """Charge a try to its network and then to its account."""
        windows = [int(window.total_seconds()) for window in (FAILURES_WINDOW, ACCOUNTS_WINDOW)]
        answer = await self._ask(
            _CHARGE,
            tried.network,
            [tried.account, limit.failures, limit.accounts, _milliseconds(tried.at), *windows, _IN_FLIGHT],
        )
        if answer is None:
            return await self._instead.charge(tried, limit, account)
        full, more = answer
        if full:
            return refused((FAILURES, ACCOUNTS)[full - 1], more / 1000)
        counted = Counted(tried, bool(more), self)
        [by_account] = await self._database.counts(account.counted)
        if not by_account:
            await self.give_back(counted, forgiving=False)
            return None
        return counted

    async def keep(self, counted: Counted) -> None:
        """Settle a try whose password was wrong; if Redis is gone by now, its count is gone, too."""
        await self._ask(_KEEP, counted.tried.network, _settling(counted))

    async def give_back(self, counted: Counted, *, forgiving: bool) -> list[Change]:
        """Refund a try at once."""
        await self._ask(_GIVE_BACK, counted.tried.network, [*_settling(counted), int(forgiving)])
        return []

    async def usage(self) -> Mapping[str, Usage]:
        """Return what each network has used; if both have counted, the higher count."""
        found = dict(await self._instead.usage())
        for network in await self._networks():
            there, here = await self._usage_of(network), found.get(network, Usage())
            found[network] = Usage(_more(there.failures, here.failures), _more(there.accounts, here.accounts))
        return found

    async def knows(self, network: str) -> bool:
        """Return whether Redis or the database counts anything for a network."""
        in_redis = await self._usage_of(network)
        return in_redis != Usage() or await self._instead.knows(network)

    async def forget(self, network: str) -> list[Change]:
        """Clear a network in Redis, and return the change that clears it in the database."""
        if await self._ask(_FORGET, network, []) is None:
            raise NetworkError(_NO_ANSWER)
        return await self._instead.forget(network)

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
            raise NetworkError(_NO_ANSWER) from fault
        return found

    async def _usage_of(self, network: str) -> Usage:
        return Usage(*[await self._used(limit, network) for limit in (FAILURES, ACCOUNTS)])

    async def _used(self, limit: str, network: str) -> Used:
        answer = await self._run(_LOOK, [f"{_PREFIX}{limit}/{network}"], [])
        if answer is None:
            raise NetworkError(_NO_ANSWER)
        count, milliseconds = answer
        return Used(count, self._clock.now() + timedelta(milliseconds=milliseconds)) if count else Used()

    async def _ask(self, script: str, network: str, arguments: Sequence[str | int]) -> list[int] | None:
        return await self._run(script, [f"{_PREFIX}{limit}/{network}" for limit in (FAILURES, ACCOUNTS)], arguments)

    async def _run(self, script: str, keys: list[str], arguments: Sequence[str | int]) -> list[int] | None:
        """Return a script's result; None if Redis does not answer, or failed a moment ago."""
        if monotonic() < self._left_alone_until:
            return None
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return [int(number) for number in await self._scripts[script](keys=keys, args=list(arguments))]
        except Exception as fault:  # noqa: BLE001  whatever Redis has, the limit must hold
            self._left_alone_until = monotonic() + PAUSE_SECONDS
            _log.warning("redis_unavailable", kind=type(fault).__name__, counting="in the database")
            return None


_IN_FLIGHT = int(IN_FLIGHT.total_seconds() * 1000)


def _settling(counted: Counted) -> list[str | int]:
    return [counted.tried.account, _milliseconds(counted.tried.at), int(counted.was_listed)]


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _more(one: Used, other: Used) -> Used:
    return one if one.count >= other.count else other
