"""The step email_code: the visitor proves the mailbox, and may go on to enrolment."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from focys.domain import email_codes
from focys.domain.login import Proof, Step, advance
from focys.domain.outcome import Reason, Refused
from focys.features.accounts import claim
from focys.features.audit import AuditEvent, EventName, Outcome
from focys.features.email_code import failed
from focys.features.lockout import CODES_RESENT, CODES_RESENT_A_DAY
from focys.features.login.context import BUSY, CAS_TRIES, Context, refuse
from focys.features.login.repository import Facts, begun, code_mailed, code_try_counted, consumed
from focys.features.login.state import RESEND_PAUSE, Begun, resend_after, state_of
from focys.features.totp import ENROLMENT_LIFE
from focys.infra.tokens import digest, new_handle
from focys.infra.visitor import Visitor


class EmailCodeStep:
    """Verifies and resends mailed codes."""

    def __init__(self, context: Context) -> None:
        self._context, self._needs = context, context.needs

    async def verify(self, typed: str, visitor: Visitor) -> Begun | Refused:
        """Take the mailed code. Check and consumption are one write."""
        for _ in range(CAS_TRIES):
            now = self._context.now()
            facts = await self._context.find_for(Proof.EMAIL_CODE, visitor, now)
            if isinstance(facts, Refused):
                return facts
            row = facts.row
            if not await self._is_alive(row, now):
                dead = Refused(Reason.NEW_CODE_NEEDED, tries_left=0)
                return refuse(EventName.EMAIL_CODE, row.user_id, dead, visitor)
            code = email_codes.normalise(typed, long=row.code_long)
            if code is None:
                return Refused(Reason.INVALID_REQUEST)
            if self._needs.email_codes.is_right(row.login_id, row.code_issue, code, long=row.code_long):
                outcome: Begun | Refused | None = await self._accept(facts, visitor, now)
            else:
                outcome = await self._refuse(facts, visitor, now)
            if outcome is not None:
                return outcome
        return refuse(EventName.EMAIL_CODE, row.user_id, BUSY, visitor)

    async def resend(self, visitor: Visitor) -> int | Refused:
        """Mail the code again, the same one while it is valid; return the seconds until the next resend is allowed."""
        now = self._context.now()
        facts = await self._context.find_for(Proof.EMAIL_CODE, visitor, now)
        if isinstance(facts, Refused):
            return facts
        row = facts.row
        wait = resend_after(row, now) or await self._charge(str(row.user_id))
        if wait:
            return Refused(Reason.THROTTLED, retry_after=wait)
        is_alive = await self._is_alive(row, now)
        long = row.code_long if is_alive else await self._needs.email_codes.is_long(row.user_id, now)
        issue = row.code_issue if is_alive else row.code_issue + 1
        until = row.code_expires_at if is_alive else min(now + self._needs.email_codes.life, row.expires_at)
        event = AuditEvent(EventName.EMAIL_CODE_SENT, Outcome.OK, row.user_id, detail="same" if is_alive else "new")
        done = await self._context.commit(
            event,
            visitor,
            now,
            code_mailed(
                row.login_id,
                issue=issue,
                long=long,
                tries=row.code_tries if is_alive else 0,
                now=now,
                until=until,
            ),
            self._needs.email_codes.mailed(
                row.user_id, row.login_id, issue, long=long, expires_at=until, source=visitor.source, now=now
            ),
            guard=claim(row.user_id, row.attempt_seq),
        )
        self._needs.outbox.nudge()
        return int(RESEND_PAUSE.total_seconds()) if done else BUSY

    async def _is_alive(self, row: Any, now: datetime) -> bool:  # noqa: ANN401  a row of pending_logins
        """Tell whether the last mailed code is valid; six digits are not once sixteen characters are required."""
        if row.code_tries >= email_codes.TRIES or row.code_expires_at <= now:
            return False
        return row.code_long or not await self._needs.email_codes.is_long(row.user_id, now)

    async def _charge(self, user_id: str) -> int | None:
        limits = self._needs.account_limits
        return await limits.charge(CODES_RESENT, user_id) or await limits.charge(CODES_RESENT_A_DAY, user_id)

    async def _accept(self, facts: Facts, visitor: Visitor, now: datetime) -> Begun | None:
        row, handle = facts.row, new_handle()
        login: dict[str, Any] = {
            "id": uuid4(),
            "handle_hash": digest(handle),
            "user_id": row.user_id,
            "step": advance(Step.EMAIL_CODE, Proof.EMAIL_CODE),
            "epoch": row.credential_epoch,
            "created_at": now,
            # Installing an app takes longer than typing a code: this step lasts as long as its pending secret.
            "expires_at": now + ENROLMENT_LIFE,
            "code_issue": 0,
            "code_long": False,
            "code_tries": 0,
        }
        event = AuditEvent(EventName.EMAIL_CODE, Outcome.OK, row.user_id)
        guard = claim(row.user_id, row.attempt_seq)
        if not await self._context.commit(event, visitor, now, consumed(row.login_id, now), begun(login), guard=guard):
            return None
        return Begun(handle, state_of(facts, now, None, login=SimpleNamespace(**login)))

    async def _refuse(self, facts: Facts, visitor: Visitor, now: datetime) -> Refused | None:
        row = facts.row
        event = AuditEvent(EventName.EMAIL_CODE, Outcome.REFUSED, row.user_id, Reason.INVALID_CODE)
        guard = claim(row.user_id, row.attempt_seq)
        changes = (code_try_counted(row.login_id), failed(row.user_id, now))
        if not await self._context.commit(event, visitor, now, *changes, guard=guard):
            return None
        left = email_codes.TRIES - row.code_tries - 1
        return Refused(Reason.INVALID_CODE if left else Reason.NEW_CODE_NEEDED, tries_left=left)
