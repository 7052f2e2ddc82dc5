"""Starts and ends bypasses. The caller has authorized the operator."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from focys.domain.bypass import Bypass, BypassError
from focys.features.accounts import Accounts
from focys.features.audit import AuditEvent, Outcome, insert_event, log_event
from focys.features.bypass.events import Event
from focys.features.bypass.notices import BEGUN, USED
from focys.features.bypass.repository import BypassRepository, NotOver
from focys.features.outbox import Outbox, minute, seen
from focys.infra.db.database import Change, Database
from focys.infra.ops.clock import Clock
from focys.infra.web.caller import Caller

QUIET = timedelta(hours=1)


class Bypasses:
    """The temporary bypasses of the second factor."""

    def __init__(self, database: Database, clock: Clock, accounts: Accounts) -> None:
        self._database, self._clock, self._accounts = database, clock, accounts
        self._repository = BypassRepository(database)

    async def begin(self, length: timedelta, reason: str, operator: Caller, *, address: str | None) -> NotOver:
        """Let one enrolled user, or everybody but administrators, sign in with just the password for *length*.

        Raises:
            AccountError: there is no such account.
            BypassError: one is already active, or the user has no second factor.
        """
        user = await self._accounts.get(address) if address is not None else None
        if user is not None and not user.mfa_enabled:
            raise BypassError(
                f"{user.email} has no second factor yet: the first sign-in sets it up, with an emailed code."
            )
        user_id, email = (user.id, user.email) if user is not None else (None, None)
        for other in await self.list_in_force():
            if other.user_id == user_id:
                raise BypassError(
                    f"A bypass is active until {other.ends_at:%H:%M} UTC. End it first: focys mfa bypass --end"
                )
        now = self._clock.now()
        bypass = NotOver(uuid4(), user_id, email, reason, operator.network, now, now + length)
        row = {
            "id": bypass.id,
            "user_id": user_id,
            "reason": reason,
            "operator": bypass.operator,
            "begins_at": now,
            "ends_at": bypass.ends_at,
        }
        emails = [BEGUN.queue(user_id, {"until": minute(bypass.ends_at)}, now)] if user_id else []
        detail = f"until {minute(bypass.ends_at)} UTC: {reason}"
        event = AuditEvent(Event.STARTED, Outcome.OK, user_id, bypass.whom, detail)
        await self._database.write(self._repository.begun(row), *emails, insert_event(event, operator, now))
        log_event(event, operator)
        return bypass

    async def end(self, operator: Caller, *, address: str | None) -> list[NotOver]:
        """End the bypasses for one user, or all bypasses, and return them; sessions opened under them end too.

        Raises:
            AccountError: there is no such account.
        """
        user = await self._accounts.get(address) if address is not None else None
        ended = []
        for bypass in await self.list_not_over():
            if user is not None and bypass.user_id != user.id:
                continue
            now = self._clock.now()
            event = AuditEvent(Event.ENDED, Outcome.OK, bypass.user_id, bypass.whom, bypass.reason)
            if await self._database.write(
                insert_event(event, operator, now), guard=self._repository.ended(bypass.id, now)
            ):
                log_event(event, operator)
                ended.append(bypass)
        return ended

    async def list_in_force(self) -> list[NotOver]:
        """Return the active bypasses, sorted by their end."""
        now = self._clock.now()
        return [bypass for bypass in await self.list_not_over() if bypass.is_in_force(now)]

    async def list_not_over(self) -> list[NotOver]:
        """Return the active bypasses and those yet to start, sorted by their end."""
        return await self._repository.list_not_over(self._clock.now())


async def usage_notice(outbox: Outbox, user_id: UUID, bypass: Bypass, caller: Caller, now: datetime) -> list[Change]:
    """Return the email to the owner about a sign-in under a bypass, unless one was queued within the last hour."""
    if await outbox.is_recent(user_id, USED.kind, QUIET):
        return []
    return [USED.queue(user_id, {**seen(caller, now), "until": minute(bypass.until)}, now)]
