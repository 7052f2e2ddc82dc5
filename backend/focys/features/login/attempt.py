"""One attempt at a second factor: what the ledger allows, and how a failure is charged."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from focys.domain import lockout
from focys.domain import totp as codes
from focys.domain.login import Proof
from focys.domain.outcome import Reason, Refused
from focys.features.accounts import claim
from focys.features.audit import Alarm, AuditEvent, EventName, Outcome
from focys.features.lockout import failed, notices_for
from focys.features.login.context import Context, SignedIn
from focys.features.login.repository import Facts
from focys.features.login.state import seconds_until
from focys.infra import metrics
from focys.infra.hashing import BusyError
from focys.infra.secret_box import UnreadableSecretError
from focys.infra.visitor import Visitor

Examine = Callable[[Facts, datetime], Awaitable[SignedIn | Refused | None]]

RUNG_NAMES = {**{count: str(count) for count in lockout.RUNGS}, lockout.GUARDED_AFTER: "guarded"}
for _rung in RUNG_NAMES.values():
    metrics.LOCKOUTS.labels(_rung)


def objection(facts: Facts, now: datetime, proof: Proof, *, single_code: bool) -> Refused | None:
    """Return why nothing will be examined now: locked, or guarded and only one code offered.

    In guarded mode a backup code is always examined: nobody guesses 80 bits, and the owner must have an open way in.
    """
    match facts.standing(now):
        case lockout.Locked(until):
            return Refused(Reason.ACCOUNT_LOCKED, retry_after=seconds_until(until, now))
        case lockout.Guarded(until) if until is not None and proof is not Proof.BACKUP_CODE:
            return Refused(Reason.ACCOUNT_LOCKED, retry_after=seconds_until(until, now))
        case lockout.Guarded() if single_code:
            return Refused(Reason.GUARDED)
        case _:
            return None


async def charge(
    context: Context, facts: Facts, event: EventName, refused: Refused, visitor: Visitor, now: datetime
) -> Refused | None:
    """Commit one failure and return the refusal with what is left, or None if another attempt was committed first."""
    row = facts.row
    failures = len(facts.failures) + 1
    notices = await notices_for(context.needs.outbox, row.user_id, failures, visitor, now)
    done = await context.commit(
        AuditEvent(event, Outcome.REFUSED, row.user_id, refused.reason, alarm=_alarm_at(failures, refused)),
        visitor,
        now,
        failed(row.user_id, row.browser_id, row.login_id, now),
        *notices,
        guard=claim(row.user_id, row.attempt_seq),
    )
    if not done:
        return None
    if notices:
        context.needs.outbox.nudge()
    if failures in RUNG_NAMES:
        metrics.LOCKOUTS.labels(RUNG_NAMES[failures]).inc()
    return _with_standing(refused, lockout.verdict([*facts.failures, now], now), now)


async def charging_faults(
    context: Context, examine: Examine, facts: Facts, event: EventName, visitor: Visitor, now: datetime
) -> SignedIn | Refused | None:
    """Run *examine*; an exception in it means refusal, and the attempt counts as a failure."""
    try:
        return await examine(facts, now)
    except codes.ClockBehindError:
        behind = AuditEvent(event, Outcome.REFUSED, facts.row.user_id, Reason.CLOCK_FAULT, alarm=Alarm.CLOCK_BEHIND)
        await context.commit(behind, visitor, now, guard=None)
        return Refused(Reason.CLOCK_FAULT)
    except UnreadableSecretError:
        unreadable = Refused(Reason.FACTOR_UNREADABLE)
        charged = await charge(context, facts, event, unreadable, visitor, now)
        return unreadable if charged is not None else None
    except (BusyError, TimeoutError):
        # Either nothing was examined yet, or the database does not answer and the failure could not be stored either.
        raise
    except Exception:
        await charge(context, facts, event, Refused(Reason.INTERNAL), visitor, now)
        raise


def tries_left(facts: Facts, now: datetime) -> int | None:
    """Return how many failures are left until the next lock."""
    standing = facts.standing(now)
    return standing.tries_left if isinstance(standing, lockout.Open) else None


def _alarm_at(failures: int, refused: Refused) -> Alarm | None:
    """Return the alarm that the *failures*-th failure after a correct password raises, if any."""
    if refused.reason is Reason.FACTOR_UNREADABLE:
        return Alarm.SECRET_UNREADABLE
    return {lockout.NOTICE_AT: Alarm.FACTOR_FAILING, lockout.GUARDED_AFTER: Alarm.GUARDED}.get(failures)


def _with_standing(
    refused: Refused, standing: lockout.Open | lockout.Locked | lockout.Guarded, now: datetime
) -> Refused:
    match standing:
        case lockout.Open(left):
            return Refused(refused.reason, refused.retry_after, left, refused.minutes_ago)
        case lockout.Locked(until):
            return Refused(Reason.ACCOUNT_LOCKED, retry_after=seconds_until(until, now))
        case lockout.Guarded(until) if until is not None:
            return Refused(Reason.ACCOUNT_LOCKED, retry_after=seconds_until(until, now))
        case lockout.Guarded():
            return Refused(refused.reason, refused.retry_after, None, refused.minutes_ago)
