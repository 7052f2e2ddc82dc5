"""The interface of the stores for the networks' counts, and shared names.

A try in an unknown browser is charged before its password is compared: to its network's failures and, for an account
that is not in the network's set yet, as a place in that set. The outcome settles it: a wrong password keeps the place
for its account; a right one refunds everything, including the account's earlier failures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from focys.domain.networks import NetworkLimit
from focys.infra.db.database import Change
from focys.infra.ops import metrics

FAILURES, ACCOUNTS = "source-passwords", "source-accounts"
IN_FLIGHT = timedelta(seconds=15)
"""No comparison of a password takes longer; a place taken more recently may be refunded in a moment."""

for _limit in (FAILURES, ACCOUNTS):
    metrics.THROTTLED.labels(_limit)


class NetworkError(Exception):
    """The text names no network, or its counts cannot be reached; the message is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Try:
    """A password tried in an unknown browser: its network, the account's key, and when."""

    network: str
    account: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Counted:
    """A try that was charged. ``was_listed``: its account was already in the network's set; ``by`` settles it."""

    tried: Try
    was_listed: bool
    by: "NetworkCounters"


@dataclass(frozen=True, slots=True)
class Full:
    """The network has reached a limit and nothing is charged; ``retry_after`` in seconds."""

    retry_after: int


@dataclass(frozen=True, slots=True)
class Used:
    """How much of one limit a network has used, and until when."""

    count: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Both counts of a network."""

    failures: Used = Used()
    accounts: Used = Used()


@dataclass(frozen=True, slots=True)
class AccountCharge:
    """The change that counts a try for its account, unless another came first, and the change that undoes it."""

    counted: Change
    undone: Change


class NetworkCounters(Protocol):
    """A store of the networks' counts. Every method is exact, however many tries arrive at once."""

    async def charge(self, tried: Try, limit: NetworkLimit, account: AccountCharge) -> Counted | Full | None:
        """Charge a try to both its account and its network, or to neither.

        Returns None if another try came first; the account's count must then be read again.
        """
        ...

    async def keep(self, counted: Counted) -> None:
        """Settle a try whose password was wrong."""
        ...

    async def give_back(self, counted: Counted, *, forgiving: bool) -> list[Change]:
        """Return the changes that refund a try; stores other than the database refund it at once.

        *forgiving* also removes the account and its earlier failures from the network's set: its password was right.
        """
        ...

    async def usage(self) -> Mapping[str, Usage]:
        """Return what each network has used.

        Raises:
            NetworkError: the store cannot be reached.
        """
        ...

    async def knows(self, network: str) -> bool:
        """Return whether anything is counted for a network.

        Raises:
            NetworkError: the store cannot be reached.
        """
        ...

    async def forget(self, network: str) -> list[Change]:
        """Return the changes that clear a network; stores other than the database clear it at once.

        Raises:
            NetworkError: the store cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Close the store's own connections."""
        ...


def refused(limit: str, seconds: float) -> Full:
    """Return the refusal of a network that has reached a limit, and count it."""
    metrics.THROTTLED.labels(limit).inc()
    return Full(max(1, round(seconds)))
