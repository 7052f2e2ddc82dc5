"""The SQL of network counters in the table ``throttles``.

    source-passwords/NETWORK        failures in the window that began at last_at
    source-accounts/NETWORK         places taken in the set of accounts, the latest at last_at
    source-account/NETWORK/ACCOUNT  an account with a place until expires_at (the end of the set's window), and its
                                    failures in the window that began at last_at

A place is taken before its account is listed, so the set never holds more accounts than places.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    Delete,
    FromClause,
    Integer,
    String,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, dialect, insert

from focys.domain.networks import ACCOUNTS_WINDOW, FAILURES_WINDOW, NetworkLimit
from focys.features.rate_limits import OF_ACCOUNT_AND_NETWORK, throttles
from focys.features.throttling.networks import ACCOUNTS, FAILURES, Try
from focys.infra.db.database import Change, UtcTime
from focys.infra.db.lifetime import TOLERANCE

ACCOUNT = "source-account"
NO_LIMIT = NetworkLimit(failures=0, accounts=0)
_COLUMNS = ["key", "hits", "last_at", "expires_at"]

_insert = insert(throttles)
_failures, _accounts, _account = (throttles.alias(name) for name in ("failures", "accounts", "account"))


def _is_open(row: FromClause) -> ColumnElement[bool]:
    """Return the condition that a window is open. One that starts in the future was written by a wrong clock."""
    return and_(row.c.expires_at > bindparam("moment"), row.c.last_at <= bindparam("ahead"))


def _counted_or_started(row: Insert, most: str, last_at: ColumnElement[datetime]) -> Insert:
    """Return the upsert that adds one if there is room, or starts a new window if the last one has ended."""
    has_ended = ~_is_open(throttles)
    ends_at = _earlier(throttles.c.expires_at, row.excluded.expires_at)
    return row.on_conflict_do_update(
        index_elements=[throttles.c.key],
        set_={
            "hits": case((has_ended, 1), else_=throttles.c.hits + 1),
            "last_at": case((has_ended, row.excluded.last_at), else_=last_at),
            "expires_at": case((has_ended, row.excluded.expires_at), else_=ends_at),
        },
        where=or_(has_ended, throttles.c.hits < bindparam(most)),
    )


def _earlier(here: ColumnElement[datetime], there: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """Return the earlier time: a window starts with its earliest try, which is not always counted first."""
    return case((here > there, there), else_=here)


def _one(key: str, until: str, condition: ColumnElement[bool]) -> Insert:
    row = select(
        bindparam(key, type_=String()),
        literal(1),
        bindparam("moment", type_=UtcTime()),
        bindparam(until, type_=UtcTime()),
    )
    return _insert.from_select(_COLUMNS, row.where(condition))


_is_listed = exists(literal(1)).where(_account.c.key == bindparam("account_key"), _is_open(_account))
_has_failed_enough = exists(literal(1)).where(
    _failures.c.key == bindparam("failures_key"),
    _failures.c.hits >= bindparam("most_failures"),
    _is_open(_failures),
)
# On SQLite, this already sees the place that the same write took, which may be the last one.
_has_no_place = exists(literal(1)).where(
    _accounts.c.key == bindparam("accounts_key"),
    _accounts.c.hits >= bindparam("most_accounts"),
    _accounts.c.last_at < bindparam("moment"),
    _is_open(_accounts),
)
HOLD_ACCOUNT = (
    update(throttles)
    .where(throttles.c.key == bindparam("account_key"), _is_open(throttles))
    .values(hits=throttles.c.hits)
)
"""Locks the account's row without changing it; the row count tells whether the account is listed."""

TAKE_PLACE = _counted_or_started(
    _one("accounts_key", "accounts_until", and_(~_is_listed, ~_has_failed_enough)),
    "most_accounts",
    bindparam("moment", type_=UtcTime()),
)
COUNT_FAILURE = _counted_or_started(
    _one("failures_key", "failures_until", or_(_is_listed, ~_has_no_place)),
    "most_failures",
    _earlier(throttles.c.last_at, bindparam("moment", type_=UtcTime())),
)

_our_window = (_failures.c.key == bindparam("failures_key"), _failures.c.last_at <= bindparam("tried_at"))
_window_began = select(_failures.c.last_at).where(*_our_window).scalar_subquery()
_listing = _insert.from_select(
    _COLUMNS,
    select(
        bindparam("account_key", type_=String()),
        # The window may have ended while the password was being compared.
        case((_failures.c.last_at <= bindparam("tried_at"), 1), else_=0),
        _failures.c.last_at,
        _accounts.c.expires_at,
    )
    .select_from(
        _failures.join(
            _accounts,
            and_(_failures.c.key == bindparam("failures_key"), _accounts.c.key == bindparam("accounts_key")),
        )
    )
    .where(_accounts.c.expires_at > bindparam("moment"), _accounts.c.expires_at <= bindparam("accounts_until")),
)
LIST_ACCOUNT = _listing.on_conflict_do_update(
    index_elements=[throttles.c.key],
    set_={name: _listing.excluded[name] for name in _COLUMNS[1:]},
    where=~_is_open(throttles),
)
"""Lists the account in the place taken for it; changes no row if it is listed already."""

FAILED_AGAIN = (
    update(throttles)
    .where(throttles.c.key == bindparam("account_key"), exists(literal(1)).where(*_our_window))
    .values(hits=case((throttles.c.last_at >= _window_began, throttles.c.hits + 1), else_=1), last_at=_window_began)
)
TAKE_OFF = (
    delete(throttles)
    .where(throttles.c.key == bindparam("account_key"))
    .returning(throttles.c.hits, throttles.c.last_at, throttles.c.expires_at)
)
_refund = 1 + case((throttles.c.last_at <= bindparam("began"), bindparam("earlier", type_=Integer())), else_=0)
GIVE_FAILURES_BACK = (
    update(throttles)
    .where(throttles.c.key == bindparam("failures_key"), throttles.c.last_at <= bindparam("tried_at"))
    .values(hits=case((throttles.c.hits > _refund, throttles.c.hits - _refund), else_=0))
)
GIVE_PLACE_BACK = (
    update(throttles)
    .where(
        throttles.c.key == bindparam("accounts_key"),
        throttles.c.hits > 0,
        throttles.c.expires_at <= bindparam("accounts_until"),
    )
    .values(hits=throttles.c.hits - 1)
)

LOOK = select(*throttles.c).where(
    throttles.c.key.in_([bindparam("account_key"), bindparam("accounts_key"), bindparam("failures_key")])
)
# All accounts of a set expire together with it, so the index on expires_at finds them.
COUNT_LISTED = select(func.count()).where(
    throttles.c.expires_at >= bindparam("until"),
    throttles.c.expires_at <= bindparam("until_late"),
    throttles.c.key.like(bindparam("account_keys")),
)
USED = select(*throttles.c).where(
    or_(throttles.c.key.like(f"{FAILURES}/%"), throttles.c.key.like(f"{ACCOUNTS}/%")),
    throttles.c.hits > 0,
    throttles.c.expires_at > bindparam("moment"),
)
_of_network = or_(
    throttles.c.key.in_([bindparam("accounts_key"), bindparam("failures_key")]),
    throttles.c.key.like(bindparam("account_keys")),
)
KNOWN = (
    select(throttles.c.key)
    .where(_of_network, throttles.c.hits > 0, throttles.c.expires_at > bindparam("moment"))
    .limit(1)
)
FORGET = delete(throttles).where(or_(_of_network, throttles.c.key.like(bindparam("of_account_keys"))))


def parameters_of(tried: Try, limit: NetworkLimit = NO_LIMIT) -> dict[str, object]:
    """Return the parameters of the statements about a try."""
    return {
        **keys_of(tried.network),
        "account_key": f"{ACCOUNT}/{tried.network}/{tried.account}",
        "accounts_until": tried.at + ACCOUNTS_WINDOW,
        "failures_until": tried.at + FAILURES_WINDOW,
        "most_accounts": limit.accounts,
        "most_failures": limit.failures,
        "moment": tried.at,
        "ahead": tried.at + TOLERANCE,
        "tried_at": tried.at,
    }


def keys_of(network: str) -> dict[str, object]:
    """Return the keys, or LIKE patterns of keys, of a network's rows."""
    return {
        "accounts_key": f"{ACCOUNTS}/{network}",
        "failures_key": f"{FAILURES}/{network}",
        "account_keys": f"{ACCOUNT}/{network}/%",
        "of_account_keys": f"{OF_ACCOUNT_AND_NETWORK}%/{network}/%",
    }


def change(statement: Insert | Update | Delete, parameters: Mapping[str, object]) -> Change:
    """Return a statement as a change with just the parameters that it uses."""
    return Change(statement, {name: parameters[name] for name in _names_in(statement)})


@lru_cache
def _names_in(statement: Insert | Update | Delete) -> tuple[str, ...]:
    binds = statement.compile(dialect=dialect()).binds  # type: ignore[no-untyped-call]
    return tuple(name for name, bind in binds.items() if bind.required)
