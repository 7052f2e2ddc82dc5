"""What an operator changes about who someone is: their address, or whether they have an account at all."""

from focys.features.accounts import (
    Account,
    Accounts,
    canonical_address,
    claim_and_delete,
    claim_and_set_email,
    masked,
)
from focys.features.admin.conflict import TRIES, ConflictError
from focys.features.admin.events import Event
from focys.features.admin.notices import EMAIL_CHANGED
from focys.features.audit import AuditEvent, Outcome, insert_event, log_event
from focys.features.outbox import minute, withdrawn
from focys.features.sessions import all_ended
from focys.features.throttling import password_keys, passwords_forgiven
from focys.features.totp import setups_dropped
from focys.infra.crypto.keys import KeyRing
from focys.infra.db.database import Database
from focys.infra.ops.clock import Clock
from focys.infra.web.caller import Caller


class People:
    """Acts for an operator. The caller has authorized them."""

    def __init__(self, database: Database, clock: Clock, accounts: Accounts, keys: KeyRing) -> None:
        self._database, self._clock, self._accounts, self._keys = database, clock, accounts, keys

    async def set_email(self, address: str, new: str, caller: Caller) -> None:
        """Give an account another address: its sessions end, and both addresses get an email.

        Raises:
            AccountError: there is no such account, or the new address is taken.
            InvalidAddressError: the new address is not valid.
            ConflictError: concurrent attempts kept changing the account.
        """
        new = canonical_address(new)
        for _ in range(TRIES):
            user = await self._accounts.get(address)
            await self._accounts.check_new(new)
            if await self._set_email(user, new, caller):
                return
        raise ConflictError

    async def delete(self, address: str, caller: Caller, *, force: bool = False) -> None:
        """Delete an account and everything that belongs to it; its audit events stay.

        Raises:
            AccountError: there is no such account.
            OnlyAdministratorError: it is the only administrator's, and *force* is not set.
            ConflictError: concurrent attempts kept changing the account.
        """
        for _ in range(TRIES):
            user, now = await self._accounts.get(address), self._clock.now()
            if not force:
                await self._accounts.check_not_only_admin(user)
            event = AuditEvent(Event.DELETED, Outcome.OK, user.id, detail=masked(user.email))
            done = await self._database.write(
                withdrawn(user.id, now),
                passwords_forgiven(password_keys(self._keys, user.email)),
                insert_event(event, caller, now),
                guard=claim_and_delete(user.id, user.attempt_seq),
            )
            if done:
                log_event(event, caller)
                return
        raise ConflictError

    async def _set_email(self, user: Account, new: str, caller: Caller) -> bool:
        now = self._clock.now()
        change = f"{masked(user.email)} to {masked(new)}"
        event = AuditEvent(Event.EMAIL_CHANGED, Outcome.OK, user.id, detail=change)
        details = {"at": minute(now), "old": user.email, "new": new}
        done = await self._database.write(
            setups_dropped(user.id),
            all_ended(user.id, now),
            EMAIL_CHANGED.queue(user.id, details, now, to=user.email),
            EMAIL_CHANGED.queue(user.id, details, now, to=new),
            insert_event(event, caller, now),
            guard=claim_and_set_email(user.id, user.attempt_seq, new, now),
        )
        if done:
            log_event(event, caller)
        return done
