"""Delivers what is due: right after it was written, and again with growing pauses while the mail server refuses."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from focys.features.outbox.models import outbox
from focys.features.outbox.repository import Due, OutboxRepository, backoff
from focys.infra.db.database import Change, Database
from focys.infra.mail.mailer import Letter, Mailer, MailError
from focys.infra.ops import metrics
from focys.infra.ops.clock import Clock
from focys.infra.ops.logs import logger

ROUND_SECONDS = 5
GIVE_UP_AFTER = timedelta(hours=24)
ONE_TRY = timedelta(minutes=1)
"""Longer than a slow mail server takes: meanwhile no other worker sends the same letter."""

_log = logger("focys.mail")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a composer is given: who it goes to, what it is about, and the time."""

    address: str
    about: Mapping[str, Any]
    now: datetime


Composer = Callable[[Waiting], Letter | None]
"""Writes the letter, or None when it would come too late to be of use."""


def letter_for(user_id: UUID, kind: str, about: Mapping[str, Any], now: datetime) -> Change:
    """Return the outbox row that sends a letter once the rest of the write is committed."""
    row = {"id": uuid4(), "user_id": user_id, "kind": kind, "about": dict(about)}
    return Change(outbox, {**row, "created_at": now, "due_at": now, "tries": 0})


class Outbox:
    """Sends letters by kind; a kind's composer belongs to the feature that writes it."""

    def __init__(self, database: Database, clock: Clock, mailer: Mailer, composers: Mapping[str, Composer]) -> None:
        self._repository = OutboxRepository(database)
        self._clock, self._mailer, self._composers = clock, mailer, composers
        self._wake = asyncio.Event()
        self._is_stopping = False
        database.call_after_insert(outbox, self._wake.set)
        for kind in composers:
            for outcome in ("sent", "refused", "given up"):
                metrics.MAILS.labels(kind, outcome)

    def stop(self) -> None:
        """Let the round under way be the last: a letter cut off while it is sent would be sent again."""
        self._is_stopping = True
        self._wake.set()

    async def is_recent(self, user_id: UUID, kind: str, within: timedelta) -> bool:
        """Tell whether a letter of this kind was written for the user within the given time."""
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
            letter = self._compose(due, now)
            if letter is not None:
                await self._mailer.send(due.email, letter, now, due.id)
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
        if letter is None:
            _log.warning("mail_given_up", letter=due.kind, user_id=str(due.user_id), tries=due.tries)
        metrics.MAILS.labels(due.kind, "sent" if letter else "given up").inc()
        await self._repository.mark_done(due.id, now)
        return letter is not None

    def _compose(self, due: Due, now: datetime) -> Letter | None:
        """Return the letter, or None where it would come too late to be of use.

        Raises:
            MailError: it is of a kind that only another version of FOCYS knows; during an upgrade, that one sends it.
        """
        if now > due.created_at + GIVE_UP_AFTER:
            return None
        if due.kind not in self._composers:
            raise MailError("a letter of another version")
        return self._composers[due.kind](Waiting(due.email, due.about, now))
