"""The step enroll: a pending secret is shown, and the first code from the app makes it the account's authenticator."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from focys.domain import totp as codes
from focys.domain.login import Proof
from focys.domain.outcome import Reason, Refused
from focys.features.accounts import claim_and_enrol
from focys.features.audit import AuditEvent, EventName, Outcome
from focys.features.lockout import ENROLMENTS
from focys.features.login.attempt import charge, charging_faults, objection
from focys.features.login.context import BUSY, CAS_TRIES, Context, SignedIn, refuse
from focys.features.login.repository import Facts
from focys.features.login.second_factor import refusal_of
from focys.features.totp import Pending, enrolment_dropped, png_data_uri
from focys.infra import metrics
from focys.infra.visitor import Visitor

AMR = ("pwd", "otp", "mfa")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the page shows: the QR code and the same key as text."""

    secret: str
    provisioning_uri: str
    qr_code: str
    issuer: str
    account: str
    expires_at: datetime
    expires_in: int


class EnrolmentStep:
    """Shows a pending authenticator and confirms it with its first code."""

    def __init__(self, context: Context) -> None:
        self._context, self._needs = context, context.needs

    async def show(self, visitor: Visitor, *, restart: bool) -> Enrolment | Refused:
        """Return the pending authenticator: the same one on every call while it is valid, a new one on *restart*."""
        now = self._context.now()
        facts = await self._context.find_for(Proof.FIRST_TOTP, visitor, now)
        if isinstance(facts, Refused):
            return facts
        pending = await self._needs.totp.pending(facts.row.user_id, now)
        if pending is None or restart:
            begun = await self._begin(facts, visitor, now, replaces=pending)
            if isinstance(begun, Refused):
                return begun
            pending = begun
        return self._as_shown(pending, facts, now)

    async def confirm(self, code: str, visitor: Visitor) -> SignedIn | Refused:
        """Take the first code; tries count in the ledger of the second factor."""
        had_login = False
        for _ in range(CAS_TRIES):
            now = self._context.now()
            facts = await self._context.find_for(Proof.FIRST_TOTP, visitor, now)
            if isinstance(facts, Refused):
                # Another browser has just confirmed: this enrolment lost the race, and the login did not simply expire.
                return Refused(Reason.ENROLMENT_EXPIRED) if had_login else facts
            had_login, user_id = True, facts.row.user_id
            refused = objection(facts, now, Proof.FIRST_TOTP, single_code=False)
            if refused is not None:
                return refuse(EventName.MFA_ENROLMENT, user_id, refused, visitor)
            pending = await self._needs.totp.pending(user_id, now)
            if pending is None:
                gone = Refused(Reason.ENROLMENT_EXPIRED)
                return refuse(EventName.MFA_ENROLMENT, user_id, gone, visitor)
            offer = partial(self._offer, pending, code, visitor)
            outcome = await charging_faults(self._context, offer, facts, EventName.MFA_ENROLMENT, visitor, now)
            if outcome is not None:
                return outcome
        return refuse(EventName.MFA_ENROLMENT, user_id, BUSY, visitor)

    async def _offer(
        self, pending: Pending, code: str, visitor: Visitor, facts: Facts, now: datetime
    ) -> SignedIn | Refused | None:
        verdict = self._needs.totp.judge(pending.sealed, facts.row.user_id, (code,), now=now, last_used=None)
        if isinstance(verdict, codes.Match):
            return await self._accept(facts, pending, verdict, visitor, now)
        return await charge(self._context, facts, EventName.MFA_ENROLMENT, refusal_of(verdict), visitor, now)

    async def _accept(
        self, facts: Facts, pending: Pending, match: codes.Match, visitor: Visitor, now: datetime
    ) -> SignedIn | None:
        row = facts.row
        epoch = row.credential_epoch + 1
        backup_codes, issued = await self._needs.backup_codes.issue(row.user_id, now)
        session, browser_token, effects = self._context.sign_in(facts, visitor, now, amr=AMR, epoch=epoch)
        done = await self._context.commit(
            AuditEvent(EventName.MFA_ENROLMENT, Outcome.OK, row.user_id),
            visitor,
            now,
            enrolment_dropped(row.user_id),
            *issued,
            *effects,
            guard=claim_and_enrol(
                row.user_id,
                row.attempt_seq,
                sealed=self._needs.totp.sealed(pending.secret, row.user_id),
                step=match.step,
                offset=match.offset,
                now=now,
            ),
        )
        if not done:
            return None
        metrics.TOTP_OFFSET.observe(match.offset * codes.PERIOD)
        return SignedIn(
            session,
            facts,
            browser_token,
            mfa_enabled=True,
            backup_codes_left=len(backup_codes),
            backup_codes=tuple(backup_codes),
        )

    async def _begin(
        self, facts: Facts, visitor: Visitor, now: datetime, *, replaces: Pending | None
    ) -> Pending | Refused:
        user_id = facts.row.user_id
        wait = await self._needs.account_limits.charge(ENROLMENTS, str(user_id))
        if wait is not None:
            return Refused(Reason.THROTTLED, retry_after=wait)
        event = AuditEvent(EventName.MFA_ENROLMENT_STARTED, Outcome.OK, user_id)
        begun = self._needs.totp.begun(user_id, now, replaces=replaces)
        await self._context.commit(event, visitor, now, begun, guard=None)
        # It is missing only if another browser has confirmed it in the meantime.
        return await self._needs.totp.pending(user_id, now) or Refused(Reason.ENROLMENT_EXPIRED)

    def _as_shown(self, pending: Pending, facts: Facts, now: datetime) -> Enrolment:
        issuer, account = codes.label_parts(self._needs.app_name, facts.row.email)
        uri = codes.provisioning_uri(pending.secret, issuer=issuer, account=account)
        return Enrolment(
            secret=pending.secret,
            provisioning_uri=uri,
            qr_code=_drawn(uri),
            issuer=issuer,
            account=account,
            expires_at=pending.expires_at,
            expires_in=max(0, int((pending.expires_at - now).total_seconds())),
        )


def _drawn(uri: str) -> str:
    with metrics.QR_FAULTS.count_exceptions(), metrics.QR_SECONDS.time():
        return png_data_uri(uri)
