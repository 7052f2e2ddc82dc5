"""Sends queued emails: at once, and again with growing delays while the mail server refuses them."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from focys.features.outbox.models import outbox
from focys.features.outbox.repository import Due, OutboxRepository, backoff
from focys.infra.db.database import Database
from focys.infra.mail.kinds import MailContext, MailKind
from focys.infra.mail.mailer import Mailer, MailError, Message
from focys.infra.ops import metrics
from focys.infra.ops.clock import Clock
from focys.infra.ops.logs import logger

ROUND_SECONDS = 5
GIVE_UP_AFTER = timedelta(hours=24)
ONE_TRY = timedelta(minutes=1)
"""How long a worker claims an email for; longer than a slow mail server takes, so no other worker sends it too."""

MOST_AT_ONCE = 60
"""No more deliveries are begun while this many are in progress."""

_log = logger("focys.mail")


class Outbox:
    """Sends the emails that features queue. Each feature declares its own kinds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        mailer: Mailer,
        kinds: Iterable[MailKind],
        *,
        app_name: str,
        support: str,
    ) -> None:
        self._repository = OutboxRepository(database)
        self._clock, self._mailer = clock, mailer
        self._app_name, self._support = app_name, support
        self.kinds: dict[str, MailKind] = {}
        for kind in kinds:
            if kind.kind in self.kinds:
                raise ValueError(f"two kinds of email are named {kind.kind}")
            self.kinds[kind.kind] = kind
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._deliveries: set[asyncio.Task[bool]] = set()
        database.call_after_insert(outbox, self._wake.set)
        for name in self.kinds:
            for outcome in ("sent", "refused", "given up"):
                metrics.MAILS.labels(name, outcome)

    def stop(self) -> None:
        """Stop after the current round. Interrupting it would send an email twice."""
        self._is_stopping = True
        self._wake.set()

    async def is_recent(self, user_id: UUID, kind: str, within: timedelta) -> bool:
        """Return whether an email of this kind was queued for the user within the given time."""
        now = self._clock.now()
        return await self._repository.is_recent(user_id, kind, now - within, now)

    async def count_waiting(self, longer_than: timedelta) -> int:
        """Return how many emails have been waiting for longer than this."""
        return await self._repository.count_waiting(self._clock.now() - longer_than)

    async def find_waiting_recipient(self, longer_than: timedelta) -> str | None:
        """Return the address of the email that has been waiting longest, if longer than this."""
        return await self._repository.find_recipient(self._clock.now() - longer_than)

    async def run(self) -> None:
        """Send due emails until stopped. An exception in one round is logged; the next round runs anyway."""
        while not self._is_stopping:
            try:
                # Not awaited to the end: one slow recipient must not delay the others.
                await self._begin_due()
            except Exception as fault:  # noqa: BLE001  sending must survive a database outage
                _log.warning("outbox_round_failed", kind=type(fault).__name__)
            # Not wait_for: it swallows a cancellation that coincides with a wake-up, and then shutdown hangs.
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
        await asyncio.gather(*self._deliveries)

    async def deliver_due(self) -> int:
        """Try each due email once, and return how many were sent."""
        return sum(await asyncio.gather(*await self._begin_due()))

    async def _begin_due(self) -> list["asyncio.Task[bool]"]:
        if len(self._deliveries) >= MOST_AT_ONCE:
            return []
        now = self._clock.now()
        begun = [asyncio.create_task(self._deliver(email, now)) for email in await self._repository.list_due(now)]
        self._deliveries.update(begun)
        for delivery in begun:
            delivery.add_done_callback(self._deliveries.discard)
        return begun

    async def _deliver(self, due: Due, now: datetime) -> bool:
        """Try one email; a fault is logged, and the email is tried again after its claim has expired."""
        try:
            return await self._repository.claim(due.id, due.tries, now + ONE_TRY) and await self._try(due, now)
        except Exception as fault:  # noqa: BLE001  whatever is wrong with the database must not end the sender
            _log.warning("outbox_round_failed", kind=type(fault).__name__)
            return False

    async def _try(self, due: Due, now: datetime) -> bool:
        try:
            message = self._render(due, now)
            if message is not None:
                await self._mailer.send(due.email, message, now, due.id)
        except Exception as fault:  # noqa: BLE001  an email that fails for any reason is tried again, and counted
            metrics.MAILS.labels(due.kind, "refused").inc()
            _log.warning(
                "mail_refused",
                kind=due.kind,
                user_id=str(due.user_id),
                cause=str(fault) if isinstance(fault, MailError) else type(fault).__name__,
                tries=due.tries + 1,
            )
            await self._repository.postpone(due.id, self._clock.now() + backoff(due.tries))
            return False
        if message is None:
            _log.warning("mail_given_up", kind=due.kind, user_id=str(due.user_id), tries=due.tries)
        metrics.MAILS.labels(due.kind, "sent" if message else "given up").inc()
        await self._repository.mark_done(due.id, now)
        return message is not None

    def _render(self, due: Due, now: datetime) -> Message | None:
        """Return the message, or None if it is too late to be useful.

        Raises:
            MailError: only another version of FOCYS knows this kind; during an upgrade, that version sends it.
        """
        if now > due.created_at + GIVE_UP_AFTER:
            return None
        if due.kind not in self.kinds:
            raise MailError("an email of another version")
        return self.kinds[due.kind].render(MailContext(self._app_name, self._support, due.email, due.about, now))
