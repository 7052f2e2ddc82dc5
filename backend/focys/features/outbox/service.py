"""Delivers what is due: right after it was written, and again with growing pauses while the mail server refuses."""

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
"""Longer than a slow mail server takes: meanwhile no other worker sends the same letter."""

_log = logger("focys.mail")


class Outbox:
    """Sends the emails that features queue; each kind belongs to the feature that queues it."""

    def __init__(
        self, database: Database, clock: Clock, mailer: Mailer, kinds: Iterable[MailKind], *, app_name: str
    ) -> None:
        self._repository = OutboxRepository(database)
        self._clock, self._mailer, self._app_name = clock, mailer, app_name
        self.kinds = {kind.kind: kind for kind in kinds}
        self._wake = asyncio.Event()
        self._is_stopping = False
        database.call_after_insert(outbox, self._wake.set)
        for kind in self.kinds:
            for outcome in ("sent", "refused", "given up"):
                metrics.MAILS.labels(kind, outcome)

    def stop(self) -> None:
        """Let the round under way be the last: a letter cut off while it is sent would be sent again."""
        self._is_stopping = True
        self._wake.set()

    async def is_recent(self, user_id: UUID, kind: str, within: timedelta) -> bool:
        """Return whether a letter of this kind was written for the user within the given time."""
        now = self._clock.now()
        return await self._repository.is_recent(user_id, kind, now - within, now)

    async def count_waiting(self, longer_than: timedelta) -> int:
        """Return how many letters have been waiting for longer than this."""
        return await self._repository.count_waiting(self._clock.now() - longer_than)

    async def count_written(self, kind: str, within: timedelta) -> int:
        """Return how many letters of a kind were written within the given time."""
        return await self._repository.count_written(kind, self._clock.now() - within)

    async def run(self) -> None:
        """Deliver until stopped; an exception in one round is logged, and the next round follows."""
        while not self._is_stopping:
            try:
                await self.deliver_due()
            except Exception as fault:  # noqa: BLE001  the deliverer must outlive the database's absence
                _log.warning("outbox_round_failed", kind=type(fault).__name__)
            # Not wait_for: it swallows a cancellation that comes together with a wake-up, and the shutdown hangs.
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await self._wake.wait()
            self._wake.clear()

    async def deliver_due(self) -> int:
        """Try every letter that is due once, and return how many left."""
        now = self._clock.now()
        due = await self._repository.list_due(now)
        return sum(await asyncio.gather(*(self._deliver(found, now) for found in due)))

    async def _deliver(self, due: Due, now: datetime) -> bool:
        if not await self._repository.claim(due.id, due.tries, now + ONE_TRY):
            return False
        try:
            message = self._render(due, now)
            if message is not None:
                await self._mailer.send(due.email, message, now, due.id)
        except MailError as fault:
            metrics.MAILS.labels(due.kind, "refused").inc()
            _log.warning(
                "mail_refused",
                letter=due.kind,
                user_id=str(due.user_id),
                cause=str(fault),
                tries=due.tries + 1,
            )
            await self._repository.postpone(due.id, self._clock.now() + backoff(due.tries))
            return False
        if message is None:
            _log.warning("mail_given_up", letter=due.kind, user_id=str(due.user_id), tries=due.tries)
        metrics.MAILS.labels(due.kind, "sent" if message else "given up").inc()
        await self._repository.mark_done(due.id, now)
        return message is not None

    def _render(self, due: Due, now: datetime) -> Message | None:
        """Return the message, or None if it would come too late to be of use.

        Raises:
            MailError: it is of a kind that only another version of FOCYS knows; during an upgrade, that one sends it.
        """
        if now > due.created_at + GIVE_UP_AFTER:
            return None
        if due.kind not in self.kinds:
            raise MailError("an email of another version")
        return self.kinds[due.kind].render(MailContext(self._app_name, due.email, due.about, now))
