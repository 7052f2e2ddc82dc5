"""The step after the password, for an enrolled account: any of its second factors.

An attempt is charged, compared and failed in the same way whatever the proof is for; its purpose decides what a right
one leads to: a sign-in, a step-up (``step_up.py``), or nothing (``check.py``).
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID, uuid4

from pydantic import BaseModel

from focys.domain import attempt, lockout
from focys.domain.lockout import Disabled, Failures, Guarded, Locked, LockState, Open
from focys.domain.login import Proof
from focys.domain.outcome import Reason, Refused, Unproven
from focys.features.audit import AuditEvent, Outcome
from focys.features.factors import AnyFactor, Issued
from focys.features.lockout import kept, notices_for, second_factor_failures, taken_back
from focys.features.login.attempt import CompletedLogin, Grant, Granted, LoginRequest
from focys.features.login.changes import while_charged
from focys.features.login.events import Alarm
from focys.features.login.notices import finished, new_browser_mail
from focys.features.login.snapshots import LoginSnapshot, seconds_until, tries_of
from focys.infra.db.database import Change
from focys.infra.ops import metrics

OutcomeT = TypeVar("OutcomeT")
OutcomeT_co = TypeVar("OutcomeT_co", covariant=True)

_LOCK_NAMES = {**{count: str(count) for count in lockout.LOCKS}, lockout.GUARDED_AFTER: "guarded"}
_ALARMS = {lockout.NOTICE_AT: Alarm.FACTOR_FAILING, lockout.GUARDED_AFTER: Alarm.GUARDED}
for _name in _LOCK_NAMES.values():
    metrics.LOCKOUTS.labels(_name)


class Purpose(Protocol[OutcomeT_co]):
    """What someone proves a second factor for."""

    async def issue(self, request: LoginRequest, factor: AnyFactor, facts: LoginSnapshot) -> tuple[Issued, ...]:
        """Return what the owner receives for a right proof of *factor*."""
        ...

    async def reach(
        self, tried: "SecondFactorAttempt[Any]", facts: LoginSnapshot, proof: Granted
    ) -> OutcomeT_co | None:
        """Write the success and refund the charge; None if the charge or the account no longer matches the facts."""
        ...


@dataclass(frozen=True, slots=True)
class SecondFactorAttempt(Generic[OutcomeT]):
    """One try at a second factor. ``charge_id`` is the failure that it is charged as."""

    request: LoginRequest
    factor: AnyFactor
    answer: BaseModel
    purpose: Purpose[OutcomeT]
    charge_id: UUID = field(default_factory=uuid4)

    async def charge(self) -> LoginSnapshot | Refused | None:
        """Charge the try to the bucket's failures; refused if this factor is not accepted now."""
        repository, strength = self.request.repository, self.factor.strength(self.answer)
        found = await repository.charge(repository.second_factor, self.request.visit, self.charge_id, strength)
        snapshot, is_charged = found or (None, False)
        facts = self._in_turn(snapshot)
        if isinstance(facts, Refused):
            return facts
        obstacle = lockout.obstacle(facts.failures, strength, self.request.visit.now)
        if obstacle is not None:
            refused = _refused_for(obstacle, self.request.visit.now)
            return self.request.refuse(self.factor.event, facts.account.user_id, refused)
        return facts if is_charged else None

    async def look_again(self) -> LoginSnapshot | Refused:
        """Return the login as it is now."""
        repository = self.request.repository
        return self._in_turn(await repository.find(repository.second_factor, self.request.visit))

    async def compare(self, facts: LoginSnapshot) -> Granted | Unproven:
        """Let the factor check the answer; if it is right, also issue what comes with it."""
        held = facts.held[self.factor.kind]
        proven = await self.factor.verify(self.answer, held, self.request.claim(facts))
        if isinstance(proven, Unproven):
            return proven
        return Granted(proven, await self.purpose.issue(self.request, self.factor, facts))

    async def give_back(self, facts: LoginSnapshot) -> None:  # noqa: ARG002  required by the protocol
        """Refund the charge."""
        await self.request.deps.database.write(taken_back(self.charge_id))

    async def accept(self, facts: LoginSnapshot, proof: Granted) -> OutcomeT | None:
        """Do what the proof is for."""
        return await self.purpose.reach(self, facts, proof)

    def guard(self, facts: LoginSnapshot, proven: Change | None = None) -> Change:
        """Return the guard for the write of a right proof, which *proven* spends."""
        return while_charged(self.request.guard(facts, proven), second_factor_failures, self.charge_id)

    async def fail(self, facts: LoginSnapshot, unproven: Unproven) -> Refused:
        """Keep the charge (unless it must not count, as for a code used before), and email the owner if due."""
        request, user_id, now = self.request, facts.account.user_id, self.request.visit.now
        event = AuditEvent(self.factor.event, Outcome.REFUSED, user_id, unproven.refused.reason)
        state = facts.lock_state(now)
        if not unproven.is_charged:
            await request.commit(replace(event, alarm=unproven.alarm), taken_back(self.charge_id))
            return _with_tries(unproven.refused, state)
        number = len(facts.failures.counted) + 1 if isinstance(state, Open) else 0
        emails = await notices_for(request.deps.outbox, user_id, number, request.visit.caller, now)
        failure = replace(event, alarm=unproven.alarm or _ALARMS.get(number))
        if not await request.commit(failure, *emails, guard=kept(self.charge_id)):
            return request.refuse(self.factor.event, user_id, attempt.BUSY)
        if number in _LOCK_NAMES:
            metrics.LOCKOUTS.labels(_LOCK_NAMES[number]).inc()
        return _with_state(unproven.refused, _state_after(facts.failures, state, now), now)

    def _in_turn(self, snapshot: LoginSnapshot | None) -> LoginSnapshot | Refused:
        return self.request.in_turn(snapshot, Proof.SECOND_FACTOR, self.factor.event)


@dataclass(frozen=True, slots=True)
class SignIn:
    """Opens a session; the purpose of the second step."""

    async def issue(self, request: LoginRequest, factor: AnyFactor, facts: LoginSnapshot) -> tuple[Issued, ...]:
        """Return new backup codes, for instance, to someone who has none left."""
        claim, others = request.claim(facts), [other for other in request.deps.companions if other.kind != factor.kind]
        return tuple([await other.replenish(facts.held[other.kind], claim) for other in others])

    async def reach(
        self, tried: SecondFactorAttempt[CompletedLogin], facts: LoginSnapshot, proof: Granted
    ) -> CompletedLogin | None:
        """Sign in."""
        request, factor, account = tried.request, tried.factor, facts.account
        grant = Grant(
            account,
            ("pwd", factor.amr, "mfa"),
            account.credential_epoch,
            facts.login.login_id,
            profile={**request.profile(facts.held), **proof.profile},
            shown=proof.shown,
        )
        completed, changes = request.open_session(grant)
        is_new = account.browser_id is None
        emails = [new_browser_mail(account, request.visit)] if is_new and not proof.proven.tells_owner else []
        event = AuditEvent(factor.event, Outcome.OK, account.user_id, detail="new browser" if is_new else None)
        changes += finished(request.deps.account_limits, account, request.visit)
        guard = tried.guard(facts, proof.proven.guard)
        done = await request.commit(event, *proof.changes, *changes, *emails, guard=guard)
        return completed if done else None


def _refused_for(obstacle: Locked | Guarded | Disabled, now: datetime) -> Refused:
    match obstacle:
        case Locked(until):
            return Refused(Reason.ACCOUNT_LOCKED, retry_after=seconds_until(until, now))
        case Guarded():
            return Refused(Reason.GUARDED)
        case Disabled():
            return Refused(Reason.FACTOR_DISABLED)


def _state_after(failures: Failures, state: LockState, now: datetime) -> LockState:
    """Return the lock state after this failure, if it counts."""
    if isinstance(state, Open):
        return lockout.lock_state(replace(failures, counted=(*failures.counted, now)), now)
    after = lockout.lock_state(replace(failures, strong=(*failures.strong, now)), now)
    # The lock is on single codes; a strong proof that failed did not cause it.
    return Guarded() if isinstance(after, Locked) else after


def _with_tries(refused: Refused, state: LockState) -> Refused:
    tries_left, next_pause = tries_of(state)
    return replace(refused, tries_left=tries_left, next_pause=next_pause)


def _with_state(refused: Refused, state: LockState, now: datetime) -> Refused:
    """Return the refusal with the tries left, or the lock that was reached."""
    match state:
        case Open():
            return _with_tries(refused, state)
        case Locked(until):
            return Refused(Reason.ACCOUNT_LOCKED, retry_after=seconds_until(until, now))
        case Guarded(until) if until is not None:
            return Refused(Reason.ACCOUNT_LOCKED, retry_after=seconds_until(until, now))
        case Guarded():
            return refused
