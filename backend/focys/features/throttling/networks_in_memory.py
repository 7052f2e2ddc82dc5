"""Network counters in memory, for development or a service with a single process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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
    refused,
)
from focys.infra.db.database import Change, Database


def _unreachable(what: str) -> NetworkError:
    return NetworkError(
        f"The counters for {what} are in the service's memory (RATE_LIMIT_STORAGE=memory://), "
        "where commands cannot reach them; restart the service to clear them."
    )


@dataclass
class Window:
    """A count since ``began``. ``accounts`` maps each account to its failures, or lists those that hold a place."""

    began: datetime
    ends: datetime
    last: datetime
    count: int = 0
    accounts: dict[str, int] = field(default_factory=dict)


class NetworksInMemory:
    """Network counters of this process. Nothing awaits between read and write, so no lock is needed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.failures: dict[str, Window] = {}
        self.accounts: dict[str, Window] = {}

    async def charge(self, tried: Try, limit: NetworkLimit, account: AccountCharge) -> Counted | Full | None:
        """Charge a try to its network and then to its account."""
        failures = _current(self.failures, tried, FAILURES_WINDOW)
        accounts = _current(self.accounts, tried, ACCOUNTS_WINDOW)
        was_listed = tried.account in accounts.accounts
        is_full = failures.count >= limit.failures
        if is_full or (accounts.count >= limit.accounts and not was_listed):
            full, name = (failures, FAILURES) if is_full else (accounts, ACCOUNTS)
            in_flight = accounts.last >= tried.at - IN_FLIGHT and len(accounts.accounts) < accounts.count
            return refused(name, 1 if in_flight else (full.ends - tried.at).total_seconds())
        failures.count += 1
        if not was_listed:
            accounts.count, accounts.last = accounts.count + 1, tried.at
        counted = Counted(tried, was_listed, self)
        [by_account] = await self._database.counts(account.counted)
        if not by_account:
            await self.give_back(counted, forgiving=False)
            return None
        return counted

    async def keep(self, counted: Counted) -> None:
        """Settle a try with a wrong password."""
        tried = counted.tried
        failures, accounts = _window_of(self.failures, tried), _window_of(self.accounts, tried)
        if accounts is None:
            return
        if not counted.was_listed:
            if tried.account in accounts.accounts:
                accounts.count -= 1
            accounts.accounts[tried.account] = 1
        if failures is not None and tried.account in accounts.accounts:
            failures.accounts[tried.account] = failures.accounts.get(tried.account, 0) + 1

    async def give_back(self, counted: Counted, *, forgiving: bool) -> list[Change]:
        """Refund a try at once."""
        tried = counted.tried
        failures, accounts = _window_of(self.failures, tried), _window_of(self.accounts, tried)
        was_listed = counted.was_listed
        if forgiving and was_listed:
            was_listed = accounts is None or accounts.accounts.pop(tried.account, None) is None
        if failures is not None:
            earlier = failures.accounts.pop(tried.account, 0) if forgiving else 0
            failures.count = max(0, failures.count - 1 - earlier)
        if accounts is not None and not was_listed:
            accounts.count = max(0, accounts.count - 1)
        return []

    async def usage(self) -> Mapping[str, Usage]:
        """Raise NetworkError: commands run in another process."""
        raise _unreachable("networks")

    async def knows(self, network: str) -> bool:
        """Raise NetworkError: commands run in another process."""
        raise _unreachable(network)

    async def forget(self, network: str) -> list[Change]:
        """Raise NetworkError: commands run in another process."""
        raise _unreachable(network)

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


def _current(windows: dict[str, Window], tried: Try, length: timedelta) -> Window:
    """Return the network's current window; it starts with the network's first try."""
    # All windows have the same length, so the oldest ends first.
    while windows and next(iter(windows.values())).ends <= tried.at:
        del windows[next(iter(windows))]
    window = windows.setdefault(tried.network, Window(tried.at, tried.at + length, tried.at))
    window.began = min(window.began, tried.at)
    return window


def _window_of(windows: dict[str, Window], tried: Try) -> Window | None:
    """Return the window that counted a try, or None if a new one has started since."""
    window = windows.get(tried.network)
    return window if window is not None and window.began <= tried.at else None
