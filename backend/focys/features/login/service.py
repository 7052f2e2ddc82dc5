"""The first step and the frame: password, look, cancel. The later steps have files of their own."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from focys.domain.bypass import Bypass
from focys.domain.login import Proof, Step, advance, password_proof
from focys.domain.outcome import Reason, Refused
from focys.features.accounts import AccountRepository, claim
from focys.features.audit import AuditEvent, EventName, Outcome, announce
from focys.features.bypass import claim_under, use_told
from focys.features.lockout import CLOSED_AFTER, CODES_SENT, Charge, Full, Try, password_keys, passwords_notice_for
from focys.features.login.context import BUSY, CAS_TRIES, Context, Dependencies, SignedIn
from focys.features.login.enrolment import EnrolmentStep
from focys.features.login.mailbox import EmailCodeStep
from focys.features.login.repository import Facts, begun, consumed, handle_consumed, room_made
from focys.features.login.second_factor import SecondFactorStep
from focys.features.login.state import Begun, State, state_of
from focys.infra.database import Change
from focys.infra.hashing import BusyError
from focys.infra.tokens import digest, new_handle
from focys.infra.visitor import Visitor

LOGIN_LIFE = timedelta(minutes=5)


class LoginFlow:
    """One login from password to session."""

    def __init__(self, needs: Dependencies) -> None:
        self._needs = needs
        self._context = Context(needs)
        self.mailbox = EmailCodeStep(self._context)
        self.enrolment = EnrolmentStep(self._context)
        self.second_factor = SecondFactorStep(self._context)

    @property
    def app_name(self) -> str:
        """What the service is called."""
        return self._needs.app_name

    async def start(self, address: str, password: str, visitor: Visitor) -> Begun | SignedIn | Refused:
        """Take e-mail and password; the same answer and the same work for wrong, unknown and disabled."""
        charged = await self._charge(address, visitor)
        if isinstance(charged, Refused):
            announce(AuditEvent(EventName.PASSWORD, Outcome.REFUSED, reason=charged.reason), visitor)
            return charged
        facts, charge = charged
        row, ledger = facts.row, self._needs.ledger
        try:
            is_right = await self._needs.passwords.verify(row.password_hash, password)
        except BusyError:
            await ledger.undo(charge)
            raise
        now = self._context.now()
        if not is_right or row.disabled_at is not None:
            return await self._wrong_password(charge, facts, visitor, now)
        return await self._right_password(facts, await ledger.forgive(charge), password, visitor, now)

    async def look(self, visitor: Visitor) -> State | Refused:
        """Return the login under way."""
        now = self._context.now()
        facts = await self._context.find(visitor, now)
        return facts if isinstance(facts, Refused) else state_of(facts, now, self._needs.mail_sender)

    async def cancel(self, visitor: Visitor) -> None:
        """End the login under way, if there is one."""
        for _ in range(CAS_TRIES):
            now = self._context.now()
            facts = await self._context.find(visitor, now)
            if isinstance(facts, Refused):
                return
            row = facts.row
            event = AuditEvent(EventName.LOGIN_CANCELLED, Outcome.OK, row.user_id)
            guard = claim(row.user_id, row.attempt_seq)
            if await self._context.commit(event, visitor, now, consumed(row.login_id, now), guard=guard):
                return

    async def _charge(self, address: str, visitor: Visitor) -> tuple[Facts, Charge] | Refused:
        """Count the attempt before the password is verified, so that parallel attempts cannot slip through."""
        account, ledger = password_keys(self._needs.keys, address), self._needs.ledger
        network_key = f"password:{account}:{visitor.source}"
        browser_key = f"password:{account}:{digest(visitor.browser or '').hex()[:32]}"
        for _ in range(CAS_TRIES):
            now = self._context.now()
            facts = await self._context.repository.find_at_start(
                address, browser=visitor.browser, browser_key=browser_key, network_key=network_key, now=now
            )
            known_browser = facts.row.browser_id is not None
            key = browser_key if known_browser else network_key
            limit = ledger.judge(key, (facts.row.hits, facts.row.last_at), now)
            if limit.retry_after is not None:
                return Refused(Reason.THROTTLED, retry_after=limit.retry_after)
            charge = await ledger.charge(limit, None if known_browser else Try(visitor.source, account, now), now)
            if isinstance(charge, Full):
                return Refused(Reason.THROTTLED, retry_after=charge.retry_after)
            if charge is not None:
                return facts, charge
        return BUSY

    async def _wrong_password(self, charge: Charge, facts: Facts, visitor: Visitor, now: datetime) -> Refused:
        row, outbox = facts.row, self._needs.outbox
        await self._needs.ledger.keep(charge)
        detail = f"closed after {CLOSED_AFTER} wrong passwords in a row" if charge.closes else None
        event = AuditEvent(EventName.PASSWORD, Outcome.REFUSED, row.user_id, Reason.INVALID_CREDENTIALS, detail)
        owner = row.user_id if row.disabled_at is None else None
        notices = await passwords_notice_for(outbox, owner, charge, visitor, now)
        await self._context.commit(event, visitor, now, *notices, guard=None)
        if notices:
            outbox.nudge()
        return Refused(Reason.INVALID_CREDENTIALS)

    async def _right_password(
        self, facts: Facts, refunds: list[Change], password: str, visitor: Visitor, now: datetime
    ) -> Begun | SignedIn | Refused:
        row, needs = facts.row, self._needs
        changes = [*refunds]
        upgraded = await needs.passwords.upgraded(row.password_hash, password)
        if upgraded is not None:
            # A write of its own, for the guard of the next one may change the same row.
            await needs.database.write(AccountRepository.hash_upgraded(row.user_id, row.password_hash, upgraded))
        if visitor.login is not None:
            changes.append(handle_consumed(visitor.login, now))
        bypass = facts.bypass(now)
        proof = password_proof(
            mfa_enabled=row.mfa_enabled, mfa_required=needs.mfa_required, is_bypassed=bypass is not None
        )
        step = advance(Step.PASSWORD, proof)
        if step is Step.DONE:
            signed_in = await self._password_is_enough(facts, changes, bypass, visitor, now)
            if signed_in is None:
                await needs.database.write(*refunds)
            return signed_in or BUSY
        event = AuditEvent(EventName.PASSWORD, Outcome.OK, row.user_id)
        if proof is Proof.PASSWORD_WITHOUT_MFA:
            wait = await needs.account_limits.charge(CODES_SENT, str(row.user_id))
            if wait is not None:
                await needs.database.write(*refunds)
                return Refused(Reason.THROTTLED, retry_after=wait)
        handle = new_handle()
        login = await self._new_login(facts, step, handle, now)
        changes += [room_made(row.user_id, now, self._context.latest_end(now)), begun(login)]
        if step is Step.EMAIL_CODE:
            changes.append(
                needs.email_codes.mailed(
                    row.user_id,
                    login["id"],
                    1,
                    long=login["code_long"],
                    expires_at=login["code_expires_at"],
                    source=visitor.source,
                    now=now,
                )
            )
        await self._context.commit(event, visitor, now, *changes, guard=None)
        if step is Step.EMAIL_CODE:
            needs.outbox.nudge()
        return Begun(handle, state_of(facts, now, needs.mail_sender, login=SimpleNamespace(**login)))

    async def _password_is_enough(
        self, facts: Facts, changes: list[Change], bypass: Bypass | None, visitor: Visitor, now: datetime
    ) -> SignedIn | None:
        row = facts.row
        session, browser_token, effects = self._context.sign_in(
            facts, visitor, now, amr=("pwd",), epoch=row.credential_epoch, bypass=bypass
        )
        event = AuditEvent(EventName.PASSWORD, Outcome.OK, row.user_id)
        guard = claim(row.user_id, row.attempt_seq)
        if bypass is not None:
            event = AuditEvent(EventName.MFA_BYPASSED, Outcome.OK, row.user_id, detail=f"bypass {bypass.id}")
            guard = claim_under(row.user_id, row.attempt_seq, bypass.id, now)
            effects += await use_told(self._needs.outbox, row.user_id, bypass, visitor, now)
        if not await self._context.commit(event, visitor, now, *changes, *effects, guard=guard):
            return None
        if bypass is not None:
            self._needs.outbox.nudge()
        return SignedIn(
            session,
            facts,
            browser_token,
            mfa_enabled=row.mfa_enabled,
            backup_codes_left=row.backup_codes_left if row.mfa_enabled else 0,
        )

    async def _new_login(self, facts: Facts, step: Step, handle: str, now: datetime) -> dict[str, Any]:
        mails = step is Step.EMAIL_CODE
        life = max(LOGIN_LIFE, self._needs.email_codes.life) if mails else LOGIN_LIFE
        return {
            "id": uuid4(),
            "handle_hash": digest(handle),
            "user_id": facts.row.user_id,
            "step": step,
            "epoch": facts.row.credential_epoch,
            "created_at": now,
            "expires_at": now + life,
            "code_issue": 1 if mails else 0,
            "code_long": mails and await self._needs.email_codes.is_long(facts.row.user_id, now),
            "code_tries": 0,
            "code_sent_at": now if mails else None,
            "code_expires_at": now + self._needs.email_codes.life if mails else None,
        }
