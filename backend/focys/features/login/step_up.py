"""Step-up: someone who is signed in proves again that it is them, before they change something important.

A step-up is an attempt like that of a sign-in: it is charged to the same failures and bound by the same locks. It opens
no session; it marks the current one, and gives it a new refresh token. Its login in progress is never shown to the
browser, so no other route accepts it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel

from focys.domain import attempt
from focys.domain.login import Step
from focys.domain.outcome import Reason, Refused
from focys.features.accounts import claim
from focys.features.audit import AuditEvent, Outcome
from focys.features.factors import AnyFactor, Issued
from focys.features.lockout import forgiven
from focys.features.login import password
from focys.features.login.attempt import Granted, LoginRequest
from focys.features.login.changes import begun, consumed, dropped
from focys.features.login.events import Event
from focys.features.login.second_factor import SecondFactorAttempt
from focys.features.login.snapshots import LOGIN_LIFE, LoginSnapshot, PendingLogin
from focys.features.rate_limits import STEP_UPS
from focys.features.sessions import LiveSession, Refreshed, stepped_up
from focys.infra.crypto.tokens import new_token
from focys.infra.db.database import Change

OutcomeT = TypeVar("OutcomeT")

PASSWORD = "pwd"  # noqa: S105  a value of ``amr``
"""How the password alone is recorded; enough only for an account without a second factor."""


@dataclass(frozen=True, slots=True)
class StepUp:
    """Marks a session as recently verified."""

    session: LiveSession

    async def issue(self, *_: object) -> tuple[Issued, ...]:
        """Return nothing: only a sign-in replaces what was used up."""
        return ()

    async def reach(
        self, tried: SecondFactorAttempt[Refreshed | Refused], facts: LoginSnapshot, proof: Granted
    ) -> Refreshed | Refused | None:
        """Mark the session."""
        request, account = tried.request, facts.account
        changes = [
            *proof.changes,
            consumed(facts.login.login_id, request.visit.now),
            forgiven(account.user_id, account.browser_id, facts.login.login_id, account.password_changed_at),
        ]
        return await _mark(request, self.session, tried.factor.amr, changes, tried.guard(facts, proof.proven.guard))


async def with_factor(
    request: LoginRequest, session: LiveSession, factor: AnyFactor, answer: BaseModel
) -> Refreshed | Refused:
    """Step up with a second factor; if the answer includes a ``password``, that is checked first."""
    wait = await request.deps.account_limits.hit(STEP_UPS, str(session.session_id))
    if wait is not None:
        return Refused(Reason.THROTTLED, retry_after=wait)
    typed = getattr(answer, "password", None)
    if typed is not None:
        right = await password.check(request, session.email, typed)
        if isinstance(right, Refused):
            return right
        await request.deps.database.write(*right.refunds)
        request = request.later()
    return await within(request, session, lambda own: SecondFactorAttempt(own, factor, answer, StepUp(session)))


async def within(
    request: LoginRequest,
    session: LiveSession,
    attempt_of: Callable[[LoginRequest], attempt.Attempt[LoginSnapshot, Granted, OutcomeT]],
) -> OutcomeT | Refused:
    """Make an attempt in a login of its own, which the session's user is in the middle of."""
    token, now = new_token(), request.visit.now
    login = PendingLogin.new(Step.SECOND_FACTOR, now, now + LOGIN_LIFE)
    await request.deps.database.write(begun(login, token, session.user_id, session.epoch))
    own = replace(request, visit=replace(request.visit, caller=replace(request.visit.caller, login=token)))
    try:
        outcome = await attempt.run(attempt_of(own))
    except Exception:
        await request.deps.database.write(dropped(login.login_id))
        raise
    if isinstance(outcome, Refused):
        await request.deps.database.write(consumed(login.login_id, now))
        if outcome.reason is Reason.LOGIN_EXPIRED:
            # Not the user's login, which there isn't, but the account has changed, so all its sessions have ended.
            return Refused(Reason.SESSION_ENDED)
    return outcome


async def with_password(request: LoginRequest, session: LiveSession, typed: str) -> Refreshed | Refused:
    """Step up with the password alone; refused if the account has a second factor."""
    if session.mfa_enabled:
        return Refused(Reason.STEP_UP_REQUIRED)
    right = await password.check(request, session.email, typed)
    if isinstance(right, Refused):
        return right
    request = request.later()
    guard = claim(session.user_id, right.account.attempt_seq)
    return await _mark(request, session, PASSWORD, right.refunds, guard) or attempt.BUSY


async def _mark(
    request: LoginRequest, session: LiveSession, method: str, changes: list[Change], guard: Change
) -> Refreshed | Refused | None:
    """Mark the session with the other changes; None if the guard matched no row."""
    sessions, now = request.deps.sessions, request.visit.now
    event = AuditEvent(Event.STEP_UP, Outcome.OK, session.user_id, detail=method)
    marked = stepped_up(session.session_id, session.refresh_generation, method, now)
    if not await request.commit(event, *changes, marked, guard=guard):
        return None
    return await sessions.renewed(session.session_id)
