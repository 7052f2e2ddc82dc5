"""The enrollment step: shows a factor to set up; its first proof adds it to the account."""

from dataclasses import dataclass, replace
from uuid import uuid4

from pydantic import BaseModel

from focys.domain.login import Proof
from focys.domain.outcome import Reason, Refused, Unproven
from focys.features.audit import AuditEvent, Outcome
from focys.features.factors import Proven
from focys.features.login.attempt import CompletedLogin, Grant, Granted, LoginRequest, turn
from focys.features.login.changes import try_taken_back
from focys.features.login.events import Alarm, Event, event_of
from focys.features.login.notices import factor_added_mail
from focys.features.login.snapshots import LoginSnapshot, seconds_until
from focys.features.rate_limits import ENROLLMENTS, OUT_OF_TURN


async def show(
    request: LoginRequest, *, restart: bool, proof: Proof = Proof.FIRST_FACTOR, number: int = 1
) -> BaseModel | Refused:
    """Return the factor to set up: the same on every call within one login, or a new one on *restart*."""
    facts = await _find(request, proof)
    if isinstance(facts, Refused):
        return facts
    claim, enroller = request.claim(facts), request.deps.enroller
    if restart or not await enroller.is_begun(claim):
        wait = await request.deps.account_limits.hit(ENROLLMENTS, str(claim.login_id))
        if wait is not None:
            return Refused(Reason.THROTTLED, retry_after=wait)
        await request.commit(AuditEvent(Event.MFA_ENROLLMENT_STARTED, Outcome.OK, claim.user_id))
    return await enroller.show(claim, ends=facts.login.expires_at, restart=restart, number=number)


@dataclass(frozen=True, slots=True)
class FirstFactorAttempt:
    """One try at the first proof of a new factor.

    It is charged only to the login. Anyone at this step can see the secret, so there is nothing to guess, and an
    attacker's failures must not keep the owner from enrolling.
    """

    request: LoginRequest
    answer: BaseModel
    proof: Proof = Proof.FIRST_FACTOR

    async def charge(self) -> LoginSnapshot | Refused | None:
        """Charge the try to the login."""
        repository = self.request.repository
        found = await repository.charge(repository.first_factor, self.request.visit, uuid4())
        snapshot, is_charged = found or (None, False)
        facts = await _in_turn(self.request, snapshot, self.proof)
        if isinstance(facts, Refused):
            return facts
        if not facts.login.tries_left:
            return self.request.refuse(self._event, facts.account.user_id, _locked(facts, self.request))
        return facts if is_charged else None

    async def look_again(self) -> LoginSnapshot | Refused:
        """Return the login as it is now. If it is gone, the account was enrolled in another browser."""
        facts = await _find(self.request, self.proof)
        return Refused(Reason.ENROLLMENT_EXPIRED) if isinstance(facts, Refused) else facts

    async def prove(self, facts: LoginSnapshot) -> Proven | Unproven:
        """Let the factor check the proof."""
        proven = await self.request.deps.enroller.confirm(self.answer, self.request.claim(facts))
        return Unproven(proven, is_charged=False) if isinstance(proven, Refused) else proven

    async def compare(self, facts: LoginSnapshot) -> Granted | Unproven:
        """Let the factor check the proof; if it is right, also issue what comes with it, such as backup codes."""
        proven = await self.prove(facts)
        if isinstance(proven, Unproven):
            return proven
        claim, deps = self.request.claim(facts), self.request.deps
        return Granted(proven, tuple([await companion.issue(claim) for companion in deps.companions]))

    async def give_back(self, facts: LoginSnapshot) -> None:
        """Refund the try."""
        await self.request.deps.database.write(try_taken_back(facts.login.login_id))

    async def accept(self, facts: LoginSnapshot, proof: Granted) -> CompletedLogin | None:
        """Add the factor to the account, and sign in."""
        account, request = facts.account, self.request
        grant = Grant(
            account,
            ("pwd", request.deps.enroller.amr, "mfa"),
            account.credential_epoch + 1,
            facts.login.login_id,
            profile={**request.profile(facts.held), **proof.profile},
            shown=proof.shown,
        )
        completed, changes = request.open_session(grant)
        mail = factor_added_mail(account, request.visit)
        event = AuditEvent(self._event, Outcome.OK, account.user_id)
        guard = request.guard(facts, proof.proven.guard)
        done = await request.commit(event, *proof.changes, *changes, mail, guard=guard)
        return completed if done else None

    async def fail(self, facts: LoginSnapshot, unproven: Unproven) -> Refused:
        """Keep the charge, unless nothing was compared."""
        refused, user_id = unproven.refused, facts.account.user_id
        if not unproven.is_charged:
            await self.give_back(facts)
            if unproven.alarm is None:
                return self.request.refuse(self._event, user_id, refused)
        event = AuditEvent(self._event, Outcome.REFUSED, user_id, refused.reason, alarm=unproven.alarm)
        await self.request.commit(event)
        left = facts.login.tries_left - 1
        if not unproven.is_charged:
            return refused
        return replace(refused, tries_left=left) if left else _locked(facts, self.request)

    @property
    def _event(self) -> Event:
        return event_of(self.proof)


async def _find(request: LoginRequest, proof: Proof) -> LoginSnapshot | Refused:
    snapshot = await request.repository.find(request.repository.first_factor, request.visit)
    return await _in_turn(request, snapshot, proof)


async def _in_turn(request: LoginRequest, snapshot: LoginSnapshot | None, proof: Proof) -> LoginSnapshot | Refused:
    """Return the login if it is at this step; an attempt to enroll at another step raises an alarm."""
    refused, event = turn(snapshot, proof), event_of(proof)
    if snapshot is None or refused is None or refused.reason is not Reason.OUT_OF_TURN:
        return request.in_turn(snapshot, proof, event)
    if await request.deps.account_limits.hit(OUT_OF_TURN, str(snapshot.login.login_id)) is not None:
        return request.refuse(event, snapshot.account.user_id, refused)
    alarm = Alarm.ENROLLMENT_OUT_OF_TURN
    await request.commit(AuditEvent(event, Outcome.REFUSED, snapshot.account.user_id, Reason.OUT_OF_TURN, alarm=alarm))
    return refused


def _locked(facts: LoginSnapshot, request: LoginRequest) -> Refused:
    """Return the refusal of a login that has no tries left; the user can start over when it has expired."""
    return Refused(Reason.ACCOUNT_LOCKED, retry_after=seconds_until(facts.login.expires_at, request.visit.now))
