"""A new factor for someone who is signed in, in place of the old one; and turning the second step off.

The setup is a login in progress, like that of a first sign-in, at a step of its own. Its token is computed from the
session and never shown to the browser, so only that session can continue it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel

from focys.domain import attempt
from focys.domain.login import Proof, Step
from focys.domain.outcome import Reason, Refused, Unproven
from focys.features.accounts import AccountRepository, claim_and_reset
from focys.features.audit import AuditEvent, Outcome
from focys.features.browsers import browsers_forgotten, recognize
from focys.features.login.attempt import Granted, LoginRequest
from focys.features.login.changes import begun_again, consumed
from focys.features.login.enrollment import FirstFactorAttempt
from focys.features.login.enrollment import show as show_setup
from focys.features.login.events import Event
from focys.features.login.notices import factor_added_mail, factor_removed_mail, factor_replaced_mail
from focys.features.login.snapshots import LoginSnapshot, PendingLogin
from focys.features.sessions import LiveSession, is_verified_by, others_ended, rebound
from focys.infra.db.database import Change

OutcomeT = TypeVar("OutcomeT")

_PROOF = Proof.NEW_FACTOR


@dataclass(frozen=True, slots=True)
class Replaced:
    """A session whose account has a new factor.

    Attributes:
        session: the session, which continues.
        browser_cookie: the browser's new cookie.
        shown: further fields of the response.
        profile: the fields of the user's profile that change with it.
    """

    session: LiveSession
    browser_cookie: str
    shown: Mapping[str, object]
    profile: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class NewFactorAttempt:
    """One try at the first proof of the factor that *session* set up; charged to the setup, as at a first sign-in."""

    checked: FirstFactorAttempt
    session: LiveSession

    async def charge(self) -> LoginSnapshot | Refused | None:
        """Charge the try to the setup."""
        return _instead_of_expired(Reason.ENROLLMENT_EXPIRED, await self.checked.charge())

    async def look_again(self) -> LoginSnapshot | Refused:
        """Return the setup as it is now. If it is gone, another browser was faster."""
        return await self.checked.look_again()

    async def compare(self, facts: LoginSnapshot) -> Granted | Unproven:
        """Let the factor check the proof; backup codes stay valid, and are issued only with a first factor."""
        if not facts.account.mfa_enabled:
            return await self.checked.compare(facts)
        proven = await self.checked.prove(facts)
        return proven if isinstance(proven, Unproven) else Granted(proven)

    async def give_back(self, facts: LoginSnapshot) -> None:
        """Refund the try."""
        await self.checked.give_back(facts)

    async def accept(self, facts: LoginSnapshot, proof: Granted) -> Replaced | Refused | None:
        """Replace the factor; the session and its browser continue, all others end."""
        request, account = self.checked.request, facts.account
        visit, epoch = request.visit, account.credential_epoch + 1
        known = recognize(account.user_id, account.known, cookie=visit.caller.browser, epoch=epoch, now=visit.now)
        changes = [
            *proof.changes,
            *_only_continuing(request, self.session, epoch),
            known.change,
            consumed(facts.login.login_id, visit.now),
            factor_replaced_mail(account, visit) if account.mfa_enabled else factor_added_mail(account, visit),
        ]
        event = AuditEvent(Event.MFA_REPLACED, Outcome.OK, account.user_id)
        if not await request.commit(event, *changes, guard=request.guard(facts, proof.proven.guard)):
            return None
        session = await request.deps.sessions.find(self.session.session_id)
        if session is None:
            return Refused(Reason.SESSION_ENDED)
        return Replaced(session, known.cookie, proof.shown, proof.profile)

    async def fail(self, facts: LoginSnapshot, unproven: Unproven) -> Refused:
        """Keep the charge, unless nothing was compared."""
        return await self.checked.fail(facts, unproven)


async def show(request: LoginRequest, session: LiveSession, *, restart: bool) -> BaseModel | Refused:
    """Return the factor to set up: the same on every call until it expires, or a new one on *restart*."""
    if not _may_set_up(request, session):
        return Refused(Reason.SESSION_ENDED)
    token, now = _token(session), request.visit.now
    own = _with_token(request, token)
    facts = await own.repository.find(own.repository.first_factor, own.visit)
    if facts is None or not facts.is_live:
        login = PendingLogin.new(Step.NEW_FACTOR, now, now + request.deps.enroller.life)
        await request.deps.database.write(begun_again(login, token, session.user_id, session.epoch))
    # The epoch rises with every factor, so each gets a name of its own.
    outcome = await show_setup(own, restart=restart, proof=_PROOF, number=session.epoch + 1)
    return _instead_of_expired(Reason.SESSION_ENDED, outcome)


async def confirm(request: LoginRequest, session: LiveSession, answer: BaseModel) -> Replaced | Refused:
    """Check the first proof of the new factor, and let it replace the old one."""
    if not _may_set_up(request, session):
        return Refused(Reason.SESSION_ENDED)
    own = _with_token(request, _token(session))
    outcome: Replaced | Refused = await attempt.run(NewFactorAttempt(FirstFactorAttempt(own, answer, _PROOF), session))
    return outcome


async def turn_off(request: LoginRequest, session: LiveSession) -> Refused | None:
    """Remove the second factors, so that the password alone is enough; return None if they are gone."""
    deps = request.deps
    if deps.policy.mfa_required:
        return Refused(Reason.MFA_REQUIRED)
    for _ in range(attempt.WRITE_TRIES):
        account = await AccountRepository(deps.database).find(session.email)
        # Read after the account: an earlier change of a credential has ended it, and a later one raises the version.
        current = await deps.sessions.find(session.session_id)
        if account is None or current is None:
            return Refused(Reason.SESSION_ENDED)
        if not current.mfa_enabled:
            return None
        if not is_verified_by(deps.enroller.amr, current, request.visit.now):
            return Refused(Reason.APP_CODE_REQUIRED)
        if await _remove(request, current, account.attempt_seq):
            return None
    return attempt.BUSY


def _may_set_up(request: LoginRequest, session: LiveSession) -> bool:
    """Return whether the session may add a factor; where one is required, only a sign-in adds the first one."""
    return session.mfa_enabled or not request.deps.policy.mfa_required


async def _remove(request: LoginRequest, session: LiveSession, seq: int) -> bool:
    user_id, now = session.user_id, request.visit.now
    return await request.commit(
        AuditEvent(Event.MFA_TURNED_OFF, Outcome.OK, user_id),
        *(companion.dropped(user_id) for companion in request.deps.companions),
        *_only_continuing(request, session, session.epoch + 1),
        browsers_forgotten(user_id),
        factor_removed_mail(user_id, request.visit),
        guard=claim_and_reset(user_id, seq, now, ticket=None),
    )


def _only_continuing(request: LoginRequest, session: LiveSession, epoch: int) -> tuple[Change, ...]:
    """Return the changes that end every session except this one, which continues under the new epoch."""
    return (
        others_ended(session.user_id, session.session_id, request.visit.now),
        rebound(session.session_id, epoch),
    )


def _instead_of_expired(reason: Reason, outcome: OutcomeT) -> OutcomeT | Refused:
    """Return the outcome; what has expired is no sign-in, so it says *reason* instead."""
    return Refused(reason) if outcome == Refused(Reason.LOGIN_EXPIRED) else outcome


def _token(session: LiveSession) -> str:
    # The epoch is part of it, so a setup begun under earlier credentials is never continued.
    return f"{session.refresh_seed.hex()}.{session.epoch}"


def _with_token(request: LoginRequest, token: str) -> LoginRequest:
    return replace(request, visit=replace(request.visit, caller=replace(request.visit.caller, login=token)))
