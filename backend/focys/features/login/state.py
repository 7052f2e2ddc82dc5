"""What a page is shown of a login in progress."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from focys.domain import crockford, email_codes, lockout, totp
from focys.domain.login import Step
from focys.features.accounts import masked
from focys.features.login.repository import Facts

RESEND_PAUSE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class State:
    """Times are whole seconds from now."""

    step: Step
    email: str
    expires_at: datetime
    expires_in: int
    code_length: int | None = None
    resend_after: int | None = None
    sender: str | None = None
    guarded: bool = False
    tries_left: int | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that goes on under a new handle."""

    handle: str
    state: State


def state_of(facts: Facts, now: datetime, sender: str | None, *, login: Any = None) -> State:  # noqa: ANN401  a row
    """Return the state of a login: the one the facts were read with, or *login*, which has just been written."""
    login = login or facts.row
    step = Step(login.step)
    common = {
        "step": step,
        "email": masked(facts.row.email),
        "expires_at": login.expires_at,
        "expires_in": seconds_until(login.expires_at, now),
    }
    if step is Step.EMAIL_CODE:
        return State(
            **common,
            code_length=crockford.LENGTH if login.code_long else totp.DIGITS,
            resend_after=resend_after(login, now),
            sender=sender,
            tries_left=max(0, email_codes.TRIES - login.code_tries),
        )
    if step is Step.SECOND_FACTOR:
        return State(**common, **_standing(facts.standing(now), now))
    return State(**common)


def resend_after(login: Any, now: datetime) -> int:  # noqa: ANN401  a row of pending_logins
    """Return the seconds until another mail may be asked for."""
    return seconds_until(login.code_sent_at + RESEND_PAUSE, now) if login.code_sent_at else 0


def seconds_until(moment: datetime, now: datetime) -> int:
    """Return whole seconds, rounded up, never below zero."""
    return max(0, math.ceil((moment - now).total_seconds()))


def _standing(verdict: lockout.Open | lockout.Locked | lockout.Guarded, now: datetime) -> dict[str, Any]:
    match verdict:
        case lockout.Open(tries_left):
            return {"tries_left": tries_left}
        case lockout.Locked(until):
            return {"retry_after": seconds_until(until, now)}
        case lockout.Guarded(until):
            return {"guarded": True, "retry_after": seconds_until(until, now) if until else None}
