"""The SQL of second-factor failures."""

from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID, uuid4

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    FromClause,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    or_,
    select,
    true,
    update,
)

from focys.domain import lockout
from focys.features.lockout.models import second_factor_failures as failures
from focys.infra.db.database import Change, Database
from focys.infra.db.moments import moments

CHARGE_ROW = {
    "id": "charge_id",
    "user_id": "user_id",
    "browser_id": "browser_id",
    "login_id": "login_id",
    "at": "moment",
    "strong": "charged_as_strong",
    "network": "network",
}
"""The row inserted for a charge: each column, and the selected column or parameter it comes from."""

_is_counted = ~failures.c.strong
_FORGIVE_BROWSER = delete(failures).where(
    failures.c.user_id == bindparam("for_user"),
    or_(
        failures.c.browser_id == bindparam("own_browser"),
        failures.c.login_id == bindparam("for_login"),
        failures.c.at < bindparam("password_changed"),
    ),
)
_KEEP = update(failures).where(failures.c.id == bindparam("the_failure")).values(network=failures.c.network)
_TAKE_BACK = delete(failures).where(failures.c.id == bindparam("the_failure"))
_FORGIVE_ALL = delete(failures).where(failures.c.user_id == bindparam("for_user"))
_fewest = min(lockout.LOCKS)
_NEAR_A_LOCK = (
    select(failures.c.user_id, moments(failures.c.at).label("counted"))
    .where(failures.c.at > bindparam("since"), _is_counted)
    .group_by(failures.c.user_id, failures.c.browser_id)
    .having(func.count() >= _fewest)
)
_ranked = select(
    failures.c.id,
    failures.c.strong,
    failures.c.at,
    func.row_number()
    .over(partition_by=(failures.c.user_id, failures.c.browser_id), order_by=failures.c.at.desc())
    .label("rank"),
).subquery("ranked")
_FORGET_SURPLUS = delete(failures).where(
    failures.c.id.in_(
        select(_ranked.c.id).where(
            _ranked.c.strong, _ranked.c.at < bindparam("surplus_before"), _ranked.c.rank > bindparam("surplus_over")
        )
    )
)


def tally(person: FromClause) -> CTE:
    """Return a query that summarizes a bucket: its failures, and whether and how an attempt may be charged.

    *person* is a query of one row with the columns ``user_id``, ``browser_id`` (null for unknown browsers) and
    ``password_changed_at``. The parameters are those of ``bucket_parameters`` and ``strength_parameters``.
    """
    is_new = failures.c.at > func.coalesce(person.c.password_changed_at, bindparam("since"))
    is_recent = and_(failures.c.at > bindparam("strong_from"), failures.c.at <= bindparam("strong_to"))
    is_strong = and_(failures.c.strong, is_new, is_recent)
    is_here = and_(is_strong, failures.c.network == bindparam("network"))
    total, is_open = _count(is_new), _is_open()
    takes_strong = and_(
        bindparam("is_strong", type_=Boolean),
        _count(is_here) < lockout.STRONG_TRIES_PER_NETWORK,
        or_(
            bindparam("is_unguessable", type_=Boolean),
            and_(_count(is_strong) < lockout.STRONG_TRIES, total < lockout.MAX_FAILURES),
        ),
    )
    return (
        select(
            moments(failures.c.at).filter(_is_counted).label("counted"),
            moments(failures.c.at).filter(is_strong).label("strong"),
            moments(failures.c.at).filter(is_here).label("strong_here"),
            total.label("total"),
            (~is_open).label("charged_as_strong"),
            or_(is_open, takes_strong).label("takes_proof"),
        )
        .select_from(person.outerjoin(failures, _is_in_bucket_of(person)))
        .cte("tally")
    )


# ``_is_open`` and ``tally`` follow ``lockout.lock_state`` and ``lockout.obstacle``; a test compares them.
def _is_open() -> ColumnElement[bool]:
    """Return the condition that single codes are checked."""
    counted = _count(_is_counted)
    locks = [
        (
            counted == number,
            _count(
                _is_counted,
                failures.c.at > bindparam(f"lock_{number}_from"),
                failures.c.at <= bindparam(f"lock_{number}_to"),
            )
            == 0,
        )
        for number in lockout.LOCKS
    ]
    return case((counted >= lockout.GUARDED_AFTER, false()), *locks, else_=true())


def _is_in_bucket_of(person: FromClause) -> ColumnElement[bool]:
    return and_(
        failures.c.user_id == person.c.user_id,
        failures.c.at > bindparam("since"),
        or_(
            failures.c.browser_id == person.c.browser_id,
            and_(failures.c.browser_id.is_(None), person.c.browser_id.is_(None)),
        ),
    )


def _count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(failures.c.id).filter(*conditions)


async def list_lock_states(database: Database, now: datetime) -> list[tuple[UUID, lockout.LockState]]:
    """Return the account and lock state of each bucket with enough failures for a lock."""
    rows = await database.rows(_NEAR_A_LOCK, since=now - lockout.MEMORY)
    return [(row.user_id, lockout.lock_state(lockout.Failures(counted=row.counted), now)) for row in rows]


class BucketParameters(TypedDict):
    """The parameters of ``tally`` that depend on the time and the caller's network."""

    since: datetime
    network: str
    strong_from: datetime
    strong_to: datetime
    lock_5_from: datetime
    lock_5_to: datetime
    lock_10_from: datetime
    lock_10_to: datetime


class StrengthParameters(TypedDict):
    """The parameters of ``tally`` that depend on the proof to charge."""

    is_strong: bool
    is_unguessable: bool


def bucket_parameters(network: str, now: datetime) -> BucketParameters:
    """Return the parameters of ``tally`` for this network and time."""
    first, second, strong = lockout.LOCKS[5], lockout.LOCKS[10], lockout.STRONG_WINDOW
    return {
        "since": now - lockout.MEMORY,
        "network": network,
        "strong_from": now - strong,
        "strong_to": now + strong,
        "lock_5_from": now - first,
        "lock_5_to": now + first,
        "lock_10_from": now - second,
        "lock_10_to": now + second,
    }


def strength_parameters(strength: lockout.Strength) -> StrengthParameters:
    """Return the parameters of ``tally`` for a proof of this strength."""
    return {
        "is_strong": strength >= lockout.Strength.STRONG,
        "is_unguessable": strength is lockout.Strength.UNGUESSABLE,
    }


def failed(user_id: UUID, browser_id: UUID | None, login_id: UUID, now: datetime) -> Change:
    """Insert one failure."""
    row = {"id": uuid4(), "user_id": user_id, "browser_id": browser_id, "login_id": login_id, "at": now}
    return Change(failures, {**row, "strong": False})


def kept(failure_id: UUID) -> Change:
    """Guard: the failure that the attempt is charged as still exists. A crash of PostgreSQL can lose it."""
    return Change(_KEEP, {"the_failure": failure_id})


def taken_back(failure_id: UUID) -> Change:
    """Refund a charge: the proof was right, or was not compared."""
    return Change(_TAKE_BACK, {"the_failure": failure_id})


def forgiven(user_id: UUID, browser_id: UUID | None, login_id: UUID, password_changed_at: datetime | None) -> Change:
    """Delete the failures of the browser that just signed in, and all failures before the last password change."""
    return Change(
        _FORGIVE_BROWSER,
        {
            "for_user": user_id,
            "own_browser": browser_id,
            "for_login": login_id,
            "password_changed": password_changed_at,
        },
    )


def surplus_forgotten(now: datetime) -> Change:
    """Delete failures of strong proofs, a day old or more, that ``2 * MAX_FAILURES`` newer ones make irrelevant.

    Otherwise, a year of wrong backup codes would leave hundreds of thousands of rows for an account.
    """
    return Change(
        _FORGET_SURPLUS, {"surplus_before": now - timedelta(days=1), "surplus_over": 2 * lockout.MAX_FAILURES}
    )


def all_forgiven(user_id: UUID) -> Change:
    """Delete all second-factor failures of an account, for an operator."""
    return Change(_FORGIVE_ALL, {"for_user": user_id})
