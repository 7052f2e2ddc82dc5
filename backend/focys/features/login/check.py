"""Whether a second factor still works, such as a backup code on paper: checked, but not used.

A wrong one is charged and counted like that of a sign-in, so this gives nobody more guesses.
"""

from dataclasses import dataclass

from pydantic import BaseModel

from focys.domain.outcome import Reason, Refused, Unproven
from focys.features.audit import AuditEvent, Outcome
from focys.features.factors import AnyFactor
from focys.features.lockout import second_factor_failures, taken_back
from focys.features.login.attempt import Granted, LoginRequest
from focys.features.login.changes import consumed, while_charged
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
class CheckAttempt:
    """One check of a second factor; charged, compared and failed as at a sign-in."""

    checked: SecondFactorAttempt

    async def charge(self) -> LoginSnapshot | Refused | None:
        """Charge the check; refused if this factor is not accepted now."""
        return await self.checked.charge()

    async def look_again(self) -> LoginSnapshot | Refused:
        """Return the facts as they are now."""
        return await self.checked.look_again()

    async def compare(self, facts: LoginSnapshot) -> Granted | Unproven:
        """Let the factor check the answer."""
        proven = await self.checked.prove(facts)
        return proven if isinstance(proven, Unproven) else Granted(proven)

    async def give_back(self, facts: LoginSnapshot) -> None:
        """Refund the charge."""
        await self.checked.give_back(facts)

    async def accept(self, facts: LoginSnapshot, proof: Granted) -> Checked | None:  # noqa: ARG002  nothing is used
        """Refund the charge, and leave everything else as it was."""
        request = self.checked.request
        changes = consumed(facts.login.login_id, request.visit.now), taken_back(self.checked.charge_id)
        event = AuditEvent(Event.CHECK, Outcome.OK, facts.account.user_id, detail=self.checked.factor.amr)
        guard = while_charged(request.guard(facts), second_factor_failures, self.checked.charge_id)
        return Checked() if await request.commit(event, *changes, guard=guard) else None

    async def fail(self, facts: LoginSnapshot, unproven: Unproven) -> Refused:
        """Keep the charge, and email the owner if due."""
        return await self.checked.fail(facts, unproven)


async def with_factor(
    request: LoginRequest, session: LiveSession, factor: AnyFactor, answer: BaseModel
) -> Refused | None:
    """Check a second factor of the session's user without using it; return None if it is right."""
    wait = await request.deps.account_limits.hit(STEP_UPS, str(session.session_id))
    if wait is not None:
        return Refused(Reason.THROTTLED, retry_after=wait)
    outcome = await within(request, session, lambda own: CheckAttempt(SecondFactorAttempt(own, factor, answer)))
    return outcome if isinstance(outcome, Refused) else None
