"""The step totp: one code from the app, two in a row in guarded mode, or a backup code."""

from datetime import datetime

from focys.domain import lockout
from focys.domain import totp as codes
from focys.domain.login import Proof
from focys.domain.outcome import Reason, Refused
from focys.features.accounts import claim, claim_and_burn
from focys.features.audit import AuditEvent, EventName, Outcome
from focys.features.backup_codes import spent, used_letter
from focys.features.lockout import GUARDED_TRIES
from focys.features.login.attempt import Examine, charge, charging_faults, objection, tries_left
from focys.features.login.context import BUSY, CAS_TRIES, Context, SignedIn, refuse
from focys.features.login.repository import Facts
from focys.infra import metrics
from focys.infra.database import Change
from focys.infra.visitor import Visitor

TOTP_AMR = ("pwd", "otp", "mfa")
BACKUP_AMR = ("pwd", "backup", "mfa")


class SecondFactorStep:
    """Verifies TOTP codes and backup codes, which share one ledger of failures."""

    def __init__(self, context: Context) -> None:
        self._context, self._needs = context, context.needs

    async def offer_totp(self, typed: tuple[str, ...], visitor: Visitor) -> SignedIn | Refused:
        """Take one code, or two in a row."""

        async def examine(facts: Facts, now: datetime) -> SignedIn | Refused | None:
            return await self._examine_totp(facts, typed, visitor, now)

        return await self._attempt(Proof.TOTP, EventName.TOTP, visitor, examine, single_code=len(typed) == 1)

    async def offer_backup_code(self, code: str, visitor: Visitor) -> SignedIn | Refused:
        """Take a backup code."""

        async def examine(facts: Facts, now: datetime) -> SignedIn | Refused | None:
            return await self._examine_backup_code(facts, code, visitor, now)

        return await self._attempt(Proof.BACKUP_CODE, EventName.BACKUP_CODE, visitor, examine, single_code=False)

    async def _attempt(
        self, proof: Proof, event: EventName, visitor: Visitor, examine: Examine, *, single_code: bool
    ) -> SignedIn | Refused:
        guarded_charged = False
        for _ in range(CAS_TRIES):
            now = self._context.now()
            facts = await self._context.find_for(proof, visitor, now)
            if isinstance(facts, Refused):
                return facts
            user_id = facts.row.user_id
            refused = objection(facts, now, proof, single_code=single_code)
            if refused is None and not guarded_charged and isinstance(facts.standing(now), lockout.Guarded):
                guarded_charged = True
                wait = await self._needs.account_limits.charge(GUARDED_TRIES, str(user_id), visitor.source)
                refused = Refused(Reason.ACCOUNT_LOCKED, retry_after=wait) if wait else None
            if refused is not None:
                return refuse(event, user_id, refused, visitor)
            outcome = await charging_faults(self._context, examine, facts, event, visitor, now)
            if outcome is not None:
                return outcome
        return refuse(event, user_id, BUSY, visitor)

    async def _examine_totp(
        self, facts: Facts, typed: tuple[str, ...], visitor: Visitor, now: datetime
    ) -> SignedIn | Refused | None:
        row = facts.row
        verdict = self._needs.totp.judge(
            row.totp_secret or "", row.user_id, typed, now=now, last_used=row.totp_last_step
        )
        match verdict:
            case codes.Match(step, offset):
                metrics.TOTP_OFFSET.observe(offset * codes.PERIOD)
                burn = claim_and_burn(row.user_id, row.attempt_seq, step=step, offset=offset)
                if row.backup_codes_left:
                    return await self._accept(facts, EventName.TOTP, TOTP_AMR, visitor, now, guard=burn)
                codes_shown, effects = await self._needs.backup_codes.renew(row.user_id, visitor, now)
                accepted = await self._accept(
                    facts, EventName.TOTP, TOTP_AMR, visitor, now, *effects, guard=burn, new_codes=tuple(codes_shown)
                )
                self._needs.outbox.nudge()
                return accepted
            case codes.Spent():
                event = AuditEvent(EventName.TOTP, Outcome.REFUSED, row.user_id, Reason.CODE_ALREADY_USED)
                await self._context.commit(event, visitor, now, guard=None)
                refused = refusal_of(verdict)
                return Refused(refused.reason, refused.retry_after, tries_left(facts, now))
            case _:
                return await charge(self._context, facts, EventName.TOTP, refusal_of(verdict), visitor, now)

    async def _examine_backup_code(
        self, facts: Facts, code: str, visitor: Visitor, now: datetime
    ) -> SignedIn | Refused | None:
        row = facts.row
        found, unspent = await self._needs.backup_codes.find(row.user_id, code)
        if found is None:
            wrong = Refused(Reason.INVALID_CODE)
            return await charge(self._context, facts, EventName.BACKUP_CODE, wrong, visitor, now)
        left = unspent - 1
        effects = (spent(found, now), used_letter(row.user_id, left, visitor, now))
        guard = claim(row.user_id, row.attempt_seq)
        signed_in = await self._accept(
            facts, EventName.BACKUP_CODE, BACKUP_AMR, visitor, now, *effects, guard=guard, codes_left=left
        )
        self._needs.outbox.nudge()
        return signed_in

    async def _accept(
        self,
        facts: Facts,
        event: EventName,
        amr: tuple[str, ...],
        visitor: Visitor,
        now: datetime,
        *effects: Change,
        guard: Change,
        codes_left: int | None = None,
        new_codes: tuple[str, ...] = (),
    ) -> SignedIn | None:
        row = facts.row
        session, browser_token, changes = self._context.sign_in(
            facts, visitor, now, amr=amr, epoch=row.credential_epoch
        )
        done = await self._context.commit(
            AuditEvent(event, Outcome.OK, row.user_id), visitor, now, *effects, *changes, guard=guard
        )
        if not done:
            return None
        return SignedIn(
            session,
            facts,
            browser_token,
            mfa_enabled=True,
            backup_codes_left=(len(new_codes) or row.backup_codes_left) if codes_left is None else codes_left,
            backup_codes=new_codes,
            used_backup_code=codes_left is not None,
        )


def refusal_of(verdict: codes.Spent | codes.Stale | codes.Wrong) -> Refused:
    """Return the refusal for a verdict other than a match."""
    match verdict:
        case codes.Spent(next_in):
            return Refused(Reason.CODE_ALREADY_USED, retry_after=next_in)
        case codes.Stale(minutes_ago):
            return Refused(Reason.CODE_EXPIRED, minutes_ago=minutes_ago)
        case codes.Wrong():
            return Refused(Reason.INVALID_CODE)
