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
from focys.domain.outcome import Reason, Refused, Unproven
from focys.features.accounts import claim
from focys.features.audit import AuditEvent, Outcome
from focys.features.factors import AnyFactor
from focys.features.lockout import forgiven, second_factor_failures
from focys.features.login import password
from focys.features.login.attempt import Granted, LoginRequest
from focys.features.login.changes import begun, consumed, dropped, while_charged
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
class StepUpAttempt:
    """One try at a second factor that confirms *session*; charged, compared and failed as at a sign-in."""

    checked: SecondFactorAttempt
    session: LiveSession

    async def charge(self) -> LoginSnapshot | Refused | None:
        """Charge the try; refused if this factor is not accepted now."""
        return await self.checked.charge()

    async def look_again(self) -> LoginSnapshot | Refused:
        """Return the facts as they are now."""
        return await self.checked.look_again()

    async def compare(self, facts: LoginSnapshot) -> Granted | Unproven:
        """Let the factor check the answer; nothing new is issued."""
        proven = await self.checked.prove(facts)
        return proven if isinstance(proven, Unproven) else Granted(proven)

    async def give_back(self, facts: LoginSnapshot) -> None:
        """Refund the charge."""
        await self.checked.give_back(facts)

    async def accept(self, facts: LoginSnapshot, proof: Granted) -> Refreshed | Refused | None:
        """Mark the session."""
        request, account = self.checked.request, facts.account
        changes = [
            *proof.changes,
            consumed(facts.login.login_id, request.visit.now),
            forgiven(account.user_id, account.browser_id, facts.login.login_id, account.password_changed_at),
        ]
        guard = request.guard(facts, proof.proven.guard)
        guard = while_charged(guard, second_factor_failures, self.checked.charge_id)
        return await _mark(request, self.session, self.checked.factor.amr, changes, guard)

    async def fail(self, facts: LoginSnapshot, unproven: Unproven) -> Refused:
        """Keep the charge, and email the owner if due."""
        return await self.checked.fail(facts, unproven)


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
    return await within(request, session, lambda own: StepUpAttempt(SecondFactorAttempt(own, factor, answer), session))


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
