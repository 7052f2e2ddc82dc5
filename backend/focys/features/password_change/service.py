"""Changes a password, and judges a new one."""

from dataclasses import dataclass, replace
from datetime import datetime

from focys.domain.attempt import BUSY
from focys.domain.outcome import Reason, Refused
from focys.domain.passwords import Weakness
from focys.features.accounts import claim_and_set_password
from focys.features.audit import AuditEvent, Outcome, insert_event, log_event
from focys.features.browsers import recognize
from focys.features.login import Account, LoginFlow
from focys.features.outbox import seen
from focys.features.password_change.events import Event
from focys.features.password_change.notices import CHANGED
from focys.features.passwords import Passwords, WeakPasswordError
from focys.features.rate_limits import PASSWORDS_JUDGED, RateLimiter
from focys.features.sessions import LiveSession, Sessions, others_ended, rebound
from focys.features.throttling import password_keys, passwords_forgiven
from focys.features.totp import setups_dropped
from focys.infra.crypto.keys import KeyRing
from focys.infra.db.database import Change, Database
from focys.infra.ops.clock import Clock
from focys.infra.web.caller import Caller


@dataclass(frozen=True, slots=True)
class Changed:
    """The password was changed. A known browser gets a new cookie."""

    browser_cookie: str | None


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """What signed-in users can do about their password; stored as ``app.state.password_change``."""

    database: Database
    clock: Clock
    keys: KeyRing
    login: LoginFlow
    passwords: Passwords
    sessions: Sessions
    limits: RateLimiter

    async def change(
        self, session: LiveSession, current: str, new: str, caller: Caller
    ) -> Changed | Weakness | Refused:
        """Replace the password; the session and its browser continue, all others end.

        The caller has made sure that a second factor, if there is one, was proven recently.

        Raises:
            BusyError: too many hashes are waiting.
        """
        account = await self.login.check_password(current, session, caller)
        if isinstance(account, Refused):
            return account
        if new == current:
            return Weakness.UNCHANGED
        try:
            hashed = await self.passwords.choose(new, account.email)
        except WeakPasswordError as fault:
            return fault.weakness
        live = await self.sessions.find(session.session_id)
        if live is None:
            return Refused(Reason.SESSION_ENDED)
        is_unchanged = (live.user_id, live.epoch) == (account.user_id, account.credential_epoch)
        return await self._write(live, account, hashed, caller) or BUSY if is_unchanged else BUSY

    async def judge(self, session: LiveSession, new: str) -> Weakness | Refused | None:
        """Return why a new password would be refused; None if it is strong enough."""
        wait = await self.limits.hit(PASSWORDS_JUDGED, str(session.session_id))
        if wait is not None:
            return Refused(Reason.THROTTLED, retry_after=wait)
        return await self.passwords.find_weakness(new, session.email)

    async def _write(self, session: LiveSession, account: Account, hashed: str, caller: Caller) -> Changed | None:
        """Write the change; None if the account has changed in the meantime."""
        user_id, now, epoch = account.user_id, self.clock.now(), account.credential_epoch + 1
        cookie, renewed = _browser_renewed(account, caller, epoch, now)
        event = AuditEvent(Event.CHANGED, Outcome.OK, user_id)
        done = await self.database.write(
            others_ended(user_id, session.session_id, now),
            rebound(session.session_id, epoch),
            *renewed,
            # Anyone who knew the old password may have seen a pending secret, or closed the account with wrong ones.
            setups_dropped(user_id),
            passwords_forgiven(password_keys(self.keys, account.email)),
            CHANGED.queue(user_id, seen(caller, now), now),
            insert_event(event, caller, now),
            guard=claim_and_set_password(user_id, account.attempt_seq, hashed, now),
        )
        if not done:
            return None
        log_event(event, caller)
        return Changed(cookie)


def _browser_renewed(account: Account, caller: Caller, epoch: int, now: datetime) -> tuple[str | None, list[Change]]:
    """Return a known browser's new cookie, and the changes that let it stay known; an unknown one stays unknown."""
    known = account.known if account.browser_id is not None else None
    if known is None:
        return None, []
    # A copy of the old cookie is then worthless.
    known = replace(known, is_current=False)
    renewed = recognize(account.user_id, known, cookie=caller.browser, epoch=epoch, now=now)
    return renewed.cookie, [renewed.change]
