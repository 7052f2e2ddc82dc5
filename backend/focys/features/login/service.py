"""The login from password to session. Each step is a separate module, called from here."""

from uuid import UUID

from pydantic import BaseModel

from focys.domain import attempt
from focys.domain.login import Step
from focys.domain.outcome import Reason, Refused
from focys.features.audit import AuditEvent, Outcome
from focys.features.login import check, email_code, enrollment, new_factor, password, second_factor, step_up
from focys.features.login.attempt import CompletedLogin, Dependencies, LoginRequest
from focys.features.login.changes import consumed
from focys.features.login.events import Event
from focys.features.login.repository import LoginRepository
from focys.features.login.snapshots import (
    Account,
    Begun,
    LoginSnapshot,
    LoginState,
    state_of_email_code,
    state_of_enrollment,
    state_of_second_factor,
)
from focys.features.sessions import LiveSession, Refreshed
from focys.infra.web.caller import Caller


class LoginFlow:
    """All steps of the login, one method each."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._factors = {factor.kind: factor for factor in deps.factors}
        self._repository = LoginRepository(deps.database, deps.factors)

    @property
    def app_name(self) -> str:
        """The name of the service."""
        return self._deps.policy.app_name

    async def start(self, address: str, typed: str, caller: Caller) -> Begun | CompletedLogin | Refused:
        """Check email and password."""
        return await password.start(self._request(caller), address, typed)

    async def verify_email_code(self, entry: email_code.Entry, caller: Caller) -> Begun | Refused:
        """Check the emailed code and, after a reset, the ticket."""
        return await attempt.run(email_code.EmailCodeAttempt(self._request(caller), entry))

    async def resend_email_code(self, caller: Caller) -> int | Refused:
        """Email the code again; return the seconds until the next resend is allowed."""
        return await email_code.resend(self._request(caller))

    async def enroll(self, caller: Caller, *, restart: bool) -> BaseModel | Refused:
        """Return the factor to set up."""
        return await enrollment.show(self._request(caller), restart=restart)

    async def confirm(self, answer: BaseModel, caller: Caller) -> CompletedLogin | Refused:
        """Check the first proof of a new factor, and sign in."""
        return await attempt.run(enrollment.FirstFactorAttempt(self._request(caller), answer))

    async def verify(self, kind: str, answer: BaseModel, caller: Caller) -> CompletedLogin | Refused:
        """Check a proof of this kind of second factor, and sign in."""
        factor = self._factors[kind]
        return await attempt.run(
            second_factor.SecondFactorAttempt(self._request(caller), factor, answer, second_factor.SignIn())
        )

    async def step_up(self, kind: str, answer: BaseModel, session_id: UUID, caller: Caller) -> Refreshed | Refused:
        """Check a proof of this kind of second factor, and mark a session as recently verified."""
        session = await self._deps.sessions.find(session_id)
        if session is None:
            return Refused(Reason.SESSION_ENDED)
        return await step_up.with_factor(self._request(caller), session, self._factors[kind], answer)

    async def set_up(self, session_id: UUID, caller: Caller, *, restart: bool) -> BaseModel | Refused:
        """Return the factor that a signed-in user is to set up."""
        session = await self._deps.sessions.find(session_id)
        if session is None:
            return Refused(Reason.SESSION_ENDED)
        return await new_factor.show(self._request(caller), session, restart=restart)

    async def replace(self, answer: BaseModel, session_id: UUID, caller: Caller) -> new_factor.Replaced | Refused:
        """Check the first proof of a signed-in user's new factor, which replaces the old one."""
        session = await self._deps.sessions.find(session_id)
        if session is None:
            return Refused(Reason.SESSION_ENDED)
        return await new_factor.confirm(self._request(caller), session, answer)

    async def turn_off(self, session_id: UUID, caller: Caller) -> Refused | None:
        """Remove a signed-in user's second factors; return None if they are gone."""
        session = await self._deps.sessions.find(session_id)
        if session is None:
            return Refused(Reason.SESSION_ENDED)
        return await new_factor.turn_off(self._request(caller), session)

    async def step_up_with_password(self, typed: str, session: LiveSession, caller: Caller) -> Refreshed | Refused:
        """Check the password of an account that has no second factor, and mark its session as recently verified."""
        return await step_up.with_password(self._request(caller), session, typed)

    async def check(self, kind: str, answer: BaseModel, session_id: UUID, caller: Caller) -> Refused | None:
        """Check a proof of this kind of second factor without using it; return None if it is right."""
        session = await self._deps.sessions.find(session_id)
        if session is None:
            return Refused(Reason.SESSION_ENDED)
        return await check.with_factor(self._request(caller), session, self._factors[kind], answer)

    async def check_password(self, typed: str, session: LiveSession, caller: Caller) -> Account | Refused:
        """Check the password of someone who is signed in, as at a sign-in; return their account."""
        right = await password.check(self._request(caller), session.email, typed)
        if isinstance(right, Refused):
            return right
        await self._deps.database.write(*right.refunds)
        return right.account

    async def look(self, caller: Caller) -> LoginState | Refused:
        """Return the login in progress."""
        request = self._request(caller)
        facts = await request.find()
        return facts if isinstance(facts, Refused) else self._state_of(facts, request)

    async def cancel(self, caller: Caller) -> None:
        """End the login in progress, if there is one."""
        request = self._request(caller)
        facts = await request.find()
        if isinstance(facts, Refused):
            return
        event = AuditEvent(Event.CANCELED, Outcome.OK, facts.account.user_id)
        await request.commit(event, guard=consumed(facts.login.login_id, request.visit.now))

    def _request(self, caller: Caller) -> LoginRequest:
        return LoginRequest.begin(self._deps, self._repository, caller)

    def _state_of(self, facts: LoginSnapshot, request: LoginRequest) -> LoginState:
        login, email, now = facts.login, facts.account.email, request.visit.now
        if login.step is Step.EMAIL_CODE:
            return state_of_email_code(login, facts.account, self._deps.policy.mail_sender, now)
        if login.step is Step.ENROLL:
            return state_of_enrollment(login, email, now)
        return state_of_second_factor(login, email, request.offered(facts.held), facts.lock_state(now), now)
