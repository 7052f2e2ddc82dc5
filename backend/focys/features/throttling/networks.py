"""The interface of the network counter stores, and names they share.

A try in an unknown browser is charged before its password is compared: as one of its network's failures and, if the
account is not in the network's set yet, as a place in that set. The outcome settles it: a wrong password keeps the
place for the account; a right one refunds everything, including the account's earlier failures.
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
"""No password comparison takes longer. A place taken more recently may still be refunded."""

for _limit in (FAILURES, ACCOUNTS):
    metrics.THROTTLED.labels(_limit)


class NetworkError(Exception):
    """The text is not a network, or the counters cannot be reached; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Try:
    """A password tried in an unknown browser: from which network, for which account key, and when."""

    network: str
    account: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Counted:
    """A charged try. ``was_listed``: the account was already in the network's set. ``by``: the store that counted."""

    tried: Try
    was_listed: bool
    by: "NetworkCounters"


@dataclass(frozen=True, slots=True)
class Full:
    """The network has reached a limit, and nothing was charged; ``retry_after`` is in seconds."""

    retry_after: int


@dataclass(frozen=True, slots=True)
class Used:
    """How much of one limit a network has used, and when that resets."""

    count: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of both limits a network has used."""

    failures: Used = Used()
    accounts: Used = Used()


@dataclass(frozen=True, slots=True)
class AccountCharge:
    """The change that counts a try for its account (unless another try came first), and the change that undoes it."""

    counted: Change
    undone: Change


class NetworkCounters(Protocol):
    """A store of network counters. Every method is exact, however many tries arrive at once."""

    async def charge(self, tried: Try, limit: NetworkLimit, account: AccountCharge) -> Counted | Full | None:
        """Charge a try to both its account and its network, or to neither.

        Return None if another try came first; the account's count must then be read again.
        """
        ...

    async def keep(self, counted: Counted) -> None:
        """Settle a try with a wrong password."""
        ...

    async def give_back(self, counted: Counted, *, forgiving: bool) -> list[Change]:
        """Return the changes that refund a try; stores other than the database refund it at once.

        *forgiving* (the password was right) also removes the account and its earlier failures from the network's set.
        """
        ...

    async def usage(self) -> Mapping[str, Usage]:
        """Return how much of its limits each network has used.

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
    """Return the refusal for a network that has reached *limit*, and count it in the metrics."""
    metrics.THROTTLED.labels(limit).inc()
    return Full(max(1, round(seconds)))
