"""Network counters in the database: exact across all workers, in the same write as the account's own count.

Every write locks rows in the same order: the account's count, the account's row in the network's set, the set, the
failures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from focys.domain.networks import NetworkLimit
from focys.features.throttling import statements as sql
from focys.features.throttling.networks import (
    ACCOUNTS,
    FAILURES,
    IN_FLIGHT,
    AccountCharge,
    Counted,
    Full,
    Try,
    Usage,
    Used,
    refused,
)
from focys.infra.db.database import Change, Database
from focys.infra.db.lifetime import TOLERANCE
from focys.infra.ops.clock import Clock


@dataclass(frozen=True, slots=True)
class _Window:
    """A row that has not expired."""

    hits: int
    last_at: datetime
    expires_at: datetime


class NetworksInDatabase:
    """Network counters in the table ``throttles``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def charge(self, tried: Try, limit: NetworkLimit, account: AccountCharge) -> Counted | Full | None:
        """Charge a try to account and network in one write; undo a partial count."""
        parameters = sql.parameters_of(tried, limit)
        charges = (sql.HOLD_ACCOUNT, sql.TAKE_PLACE, sql.COUNT_FAILURE)
        by_account, is_listed, has_place, has_failed = await self._database.counts(
            account.counted, *(sql.change(statement, parameters) for statement in charges)
        )
        if by_account and has_failed and (is_listed or has_place):
            return Counted(tried, bool(is_listed), self)
        undone = [account.undone] if by_account else []
        undone += self._refunds(tried, places=has_place, failures=has_failed)
        if undone:
            await self._database.write(*undone)
        return await self._refusal(tried, limit) if by_account else None

    async def keep(self, counted: Counted) -> None:
        """Settle a try with a wrong password."""
        parameters = sql.parameters_of(counted.tried)
        again = sql.change(sql.FAILED_AGAIN, parameters)
        if counted.was_listed:
            await self._database.write(again)
            return
        [is_new] = await self._database.counts(sql.change(sql.LIST_ACCOUNT, parameters))
        if not is_new:
            # Another try has listed the account in the meantime; it needs only one place.
            await self._database.write(again, *self._refunds(counted.tried, places=1))

    async def give_back(self, counted: Counted, *, forgiving: bool) -> list[Change]:
        """Return the changes that refund a try."""
        tried = counted.tried
        if not counted.was_listed or not forgiving:
            return self._refunds(tried, places=0 if counted.was_listed else 1, failures=1)
        account = sql.parameters_of(tried)["account_key"]
        # If several right passwords arrive at once, only one of them removes the account.
        row = await self._database.first(sql.TAKE_OFF, account_key=account)
        if row is None or row.expires_at <= tried.at:
            return self._refunds(tried, failures=1)
        return self._refunds(tried, places=1, failures=1, earlier=row.hits, began=row.last_at)

    async def usage(self) -> Mapping[str, Usage]:
        """Return how much of its limits each network has used."""
        rows = await self._database.rows(sql.USED, moment=self._clock.now())
        used: dict[str, dict[str, Used]] = {}
        for row in rows:
            limit, _, network = row.key.partition("/")
            used.setdefault(network, {})[limit] = Used(row.hits, row.expires_at)
        return {
            network: Usage(by_limit.get(FAILURES, Used()), by_limit.get(ACCOUNTS, Used()))
            for network, by_limit in used.items()
        }

    async def knows(self, network: str) -> bool:
        """Return whether anything is counted for a network."""
        return await self._database.first(sql.KNOWN, **sql.keys_of(network), moment=self._clock.now()) is not None

    async def forget(self, network: str) -> list[Change]:
        """Return the change that clears a network."""
        return [sql.change(sql.FORGET, sql.keys_of(network))]

    async def close(self) -> None:
        """Do nothing: the connections belong to the database."""

    @staticmethod
    def _refunds(
        tried: Try, *, places: int = 0, failures: int = 0, earlier: int = 0, began: datetime | None = None
    ) -> list[Change]:
        parameters = {**sql.parameters_of(tried), "earlier": earlier, "began": began or tried.at}
        changes = []
        if places:
            changes.append(sql.change(sql.GIVE_PLACE_BACK, parameters))
        if failures:
            changes.append(sql.change(sql.GIVE_FAILURES_BACK, parameters))
        return changes

    async def _refusal(self, tried: Try, limit: NetworkLimit) -> Full | None:
        """Return the limit that was reached; None if there is room again."""
        keys = {name: sql.parameters_of(tried)[name] for name in ("account_key", "accounts_key", "failures_key")}
        found = {
            row.key: _Window(row.hits, row.last_at, row.expires_at)
            for row in await self._database.rows(sql.LOOK, **keys)
            if row.last_at <= tried.at + TOLERANCE and row.expires_at > tried.at
        }
        account, accounts, failures = (found.get(str(key)) for key in keys.values())
        if failures is not None and failures.hits >= limit.failures:
            full, name = failures, FAILURES
        elif accounts is not None and accounts.hits >= limit.accounts and account is None:
            full, name = accounts, ACCOUNTS
        else:
            return None
        may_be_refunded = accounts is not None and await self._is_in_flight(accounts, tried)
        return refused(name, 1 if may_be_refunded else (full.expires_at - tried.at).total_seconds())

    async def _is_in_flight(self, accounts: _Window, tried: Try) -> bool:
        """Return whether some places belong to passwords still being compared, so they may be refunded."""
        if accounts.last_at < tried.at - IN_FLIGHT:
            return False
        pattern = sql.keys_of(tried.network)["account_keys"]
        end = accounts.expires_at
        # An account expires slightly later if it was listed before an earlier try was counted.
        row = await self._database.first(sql.COUNT_LISTED, until=end, until_late=end + IN_FLIGHT, account_keys=pattern)
        return row is not None and row[0] < accounts.hits
