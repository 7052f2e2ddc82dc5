"""Whether a second factor still works, such as a backup code on paper: checked, but not used.

A wrong one is charged and counted like that of a sign-in, so this gives nobody more guesses.
"""

from dataclasses import dataclass

from pydantic import BaseModel

from focys.domain.outcome import Reason, Refused
from focys.features.audit import AuditEvent, Outcome
from focys.features.factors import AnyFactor, Issued
from focys.features.lockout import taken_back
from focys.features.login.attempt import Granted, LoginRequest
from focys.features.login.changes import consumed
from focys.features.login.events import Event
from focys.features.login.second_factor import SecondFactorAttempt
from focys.features.login.snapshots import LoginSnapshot
from focys.features.login.step_up import within
from focys.features.rate_limits import STEP_UPS
from focys.features.sessions import LiveSession


@dataclass(frozen=True, slots=True)
class Checked:
    """The factor is right."""


@dataclass(frozen=True, slots=True)
class Check:
    """Leaves everything as it was."""

    async def issue(self, *_: object) -> tuple[Issued, ...]:
        """Return nothing: nothing is used up."""
        return ()

    async def reach(
        self,
        tried: SecondFactorAttempt[Checked],
        facts: LoginSnapshot,
        proof: Granted,  # noqa: ARG002  nothing is used
    ) -> Checked | None:
        """Refund the charge."""
        request = tried.request
        changes = consumed(facts.login.login_id, request.visit.now), taken_back(tried.charge_id)
        event = AuditEvent(Event.CHECK, Outcome.OK, facts.account.user_id, detail=tried.factor.amr)
        return Checked() if await request.commit(event, *changes, guard=tried.guard(facts)) else None


async def with_factor(
    request: LoginRequest, session: LiveSession, factor: AnyFactor, answer: BaseModel
) -> Refused | None:
    """Check a second factor of the session's user without using it; return None if it is right."""
    wait = await request.deps.account_limits.hit(STEP_UPS, str(session.session_id))
    if wait is not None:
        return Refused(Reason.THROTTLED, retry_after=wait)
    outcome = await within(request, session, lambda own: SecondFactorAttempt(own, factor, answer, Check()))
    return outcome if isinstance(outcome, Refused) else None
