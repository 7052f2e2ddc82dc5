"""The step after the password, for an account without a factor: an emailed code proves access to the mailbox.

After an operator's reset, this step also takes the ticket that the operator handed over.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from focys.domain import attempt, crockford, email_codes
from focys.domain.login import Proof, Step, advance
from focys.domain.outcome import Reason, Refused, Unproven
from focys.features.accounts import is_right_ticket
from focys.features.audit import AuditEvent, Outcome
from focys.features.email_code import CodeIssue, taken_back
from focys.features.login.attempt import LoginRequest, turn
from focys.features.login.changes import begun, code_mailed, consumed, try_taken_back
from focys.features.login.events import Event, event_of
from focys.features.login.snapshots import RESEND_PAUSE, Begun, LoginSnapshot, PendingLogin, state_of_enrollment
from focys.features.rate_limits import CODES_RESENT, CODES_RESENT_A_DAY
from focys.infra.crypto.tokens import new_token

_EVENT = event_of(Proof.EMAIL_CODE)


async def resend(request: LoginRequest) -> int | Refused:
    """Email the code again (the same one while it works); return the seconds until the next resend is allowed."""
    found = await request.repository.find(request.repository.email_code, request.visit)
    facts = request.in_turn(found, Proof.EMAIL_CODE, _EVENT)
    if isinstance(facts, Refused):
        return facts
    wait = facts.login.resend_after(request.visit.now) or await _wait(request, str(facts.account.user_id))
    if wait:
        return Refused(Reason.THROTTLED, retry_after=wait)
    works, user_id, visit = works_now(facts, request.visit.now), facts.account.user_id, request.visit
    issue = facts.login.code if works else _next_issue(facts, request)
    done = await request.commit(
        AuditEvent(Event.EMAIL_CODE_SENT, Outcome.OK, user_id, detail="same" if works else "new"),
        code_mailed(facts.login.login_id, issue, facts.login.code_tries if works else 0, visit.now),
        request.deps.email_codes.mailed(user_id, issue, visit.caller.network, visit.now),
        guard=request.guard(facts),
    )
    return int(RESEND_PAUSE.total_seconds()) if done else attempt.BUSY


def works_now(facts: LoginSnapshot, now: datetime) -> bool:
    """Return whether the emailed code still works; six digits no longer do once sixteen characters are required."""
    login = facts.login
    if not login.tries_left or login.code.expires_at <= now:
        return False
    return login.code_long or not email_codes.is_long(facts.email_failures, now)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person entered at this step."""

    code: str
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class EmailCodeAttempt:
    """One try at an emailed code and a ticket, charged to the login and to the account's wrong codes."""

    request: LoginRequest
    entry: Entry
    charge_id: UUID = field(default_factory=uuid4)

    async def charge(self) -> LoginSnapshot | Refused | None:
        """Charge the try; refused if the code no longer works, or if the entry cannot be right."""
        repository, now = self.request.repository, self.request.visit.now
        seen = await repository.find(repository.email_code, self.request.visit)
        if seen is not None and turn(seen, Proof.EMAIL_CODE) is None and works_now(seen, now):
            malformed = self._malformed(seen)
            if malformed is not None:
                # Don't charge it, even temporarily: ten charges make codes long.
                return malformed
        found = await repository.charge(repository.email_code, self.request.visit, self.charge_id)
        snapshot, is_charged = found or (None, False)
        facts = self.request.in_turn(snapshot, Proof.EMAIL_CODE, _EVENT)
        if isinstance(facts, Refused):
            return facts
        if not works_now(facts, now):
            refused = Refused(Reason.NEW_CODE_NEEDED, tries_left=0)
            return self.request.refuse(_EVENT, facts.account.user_id, refused)
        return facts if is_charged else None

    async def look_again(self) -> LoginSnapshot | Refused:
        """Return the login as it is now."""
        repository = self.request.repository
        found = await repository.find(repository.email_code, self.request.visit)
        return self.request.in_turn(found, Proof.EMAIL_CODE, _EVENT)

    async def compare(self, facts: LoginSnapshot) -> LoginSnapshot | Unproven:
        """Compare the code with the emailed one and then the ticket, unless the entry cannot be right."""
        malformed = self._malformed(facts)
        if malformed is not None:
            return Unproven(malformed, is_charged=False)
        left = max(0, facts.login.tries_left - 1)
        if not self.request.deps.email_codes.is_right(facts.login.code, self._code(facts) or ""):
            return Unproven(Refused(Reason.INVALID_CODE if left else Reason.NEW_CODE_NEEDED, tries_left=left))
        if not self._has_ticket(facts):
            return Unproven(Refused(Reason.INVALID_TICKET, tries_left=left))
        return facts

    async def give_back(self, facts: LoginSnapshot) -> None:
        """Refund both charges."""
        await self.request.deps.database.write(taken_back(self.charge_id), try_taken_back(facts.login.login_id))

    async def accept(self, facts: LoginSnapshot, proof: LoginSnapshot) -> Begun | None:
        """Continue with enrollment, under a new token."""
        account, now, token = proof.account, self.request.visit.now, new_token()
        login = PendingLogin.new(
            advance(Step.EMAIL_CODE, Proof.EMAIL_CODE),
            now,
            # Setting up an app takes longer than typing a code.
            now + self.request.deps.enroller.life,
        )
        changes = (
            taken_back(self.charge_id),
            # Other logins that share the code continue: this one may be an attacker's with mailbox access.
            consumed(facts.login.login_id, now),
            begun(login, token, account.user_id, account.credential_epoch),
        )
        event = AuditEvent(_EVENT, Outcome.OK, account.user_id)
        if not await self.request.commit(event, *changes, guard=self.request.guard(facts)):
            return None
        return Begun(token, state_of_enrollment(login, account.email, now))

    async def fail(self, facts: LoginSnapshot, unproven: Unproven) -> Refused:
        """Keep the charge, unless nothing was compared."""
        if not unproven.is_charged:
            await self.give_back(facts)
            return unproven.refused
        wrong_ticket = unproven.refused.reason is Reason.INVALID_TICKET
        reason = Reason.INVALID_TICKET if wrong_ticket else Reason.INVALID_CODE
        await self.request.commit(AuditEvent(_EVENT, Outcome.REFUSED, facts.account.user_id, reason))
        return unproven.refused

    def _malformed(self, facts: LoginSnapshot) -> Refused | None:
        """Return the refusal of an entry that does not have the form of a code, or lacks the ticket; None otherwise."""
        if self._code(facts) is None:
            return Refused(Reason.INVALID_REQUEST)
        if facts.account.ticket is None:
            return None
        if not self.entry.ticket:
            return Refused(Reason.TICKET_NEEDED)
        return Refused(Reason.INVALID_TICKET) if self._ticket() is None else None

    def _code(self, facts: LoginSnapshot) -> str | None:
        """Return the code, normalized, or None if it does not have the form of the emailed one."""
        return email_codes.normalize(self.entry.code, long=facts.login.code_long)

    def _ticket(self) -> str | None:
        """Return the ticket, normalized, or None if it does not have the form of one."""
        return crockford.normalize(self.entry.ticket or "")

    def _has_ticket(self, facts: LoginSnapshot) -> bool:
        """Return whether the ticket is right, if the account needs one."""
        account, deps = facts.account, self.request.deps
        if account.ticket is None:
            return True
        return is_right_ticket(self._ticket() or "", account.ticket, deps.keys, account.user_id, self.request.visit.now)


def _next_issue(facts: LoginSnapshot, request: LoginRequest) -> CodeIssue:
    login, now = facts.login, request.visit.now
    until = min(now + request.deps.email_codes.life, login.expires_at)
    return CodeIssue(login.login_id, login.code_issue + 1, email_codes.is_long(facts.email_failures, now), until)


async def _wait(request: LoginRequest, user_id: str) -> int | None:
    limits = request.deps.account_limits
    await limits.hit(request.deps.policy.limits.codes_a_day, user_id)
    return await limits.hit(CODES_RESENT, user_id) or await limits.hit(CODES_RESENT_A_DAY, user_id)
