"""Where someone is signed in, and what happened to their account."""

from collections.abc import Mapping
from uuid import UUID

from focys.domain.networks import is_network
from focys.features import sessions as sessions_feature
from focys.features.audit import (
    AuditEvent,
    EventName,
    KeptEvent,
    Outcome,
    insert_event,
    list_events_before,
    log_event,
    words_for,
)
from focys.features.own_account.events import Event
from focys.features.own_account.schemas import OwnActivity, OwnEvent
from focys.features.sessions import KeptSession, LiveSession, Sessions, others_ended, own_ended
from focys.infra.db.database import Database
from focys.infra.ops.clock import Clock
from focys.infra.web.caller import Caller

PAGE_SIZE = 50


class OwnAccount:
    """What people see and end of their own account. *events* are those of all features, by name."""

    def __init__(self, database: Database, clock: Clock, sessions: Sessions, events: Mapping[str, EventName]) -> None:
        self._database, self._clock, self._sessions, self._events = database, clock, sessions, events

    async def list_sessions(self, user_id: UUID) -> list[KeptSession]:
        """Return where the user is signed in, newest first."""
        return await self._sessions.list_live(user_id)

    async def end_session(self, user_id: UUID, session_id: UUID, caller: Caller) -> bool:
        """End one of the user's sessions; return False if there is no such session."""
        now = self._clock.now()
        event = AuditEvent(Event.SESSION_ENDED, Outcome.OK, user_id)
        guard = own_ended(user_id, session_id, now)
        if not await self._database.write(insert_event(event, caller, now), guard=guard):
            return False
        log_event(event, caller)
        return True

    async def end_other_sessions(self, session: LiveSession, caller: Caller) -> None:
        """End all sessions of the user except this one."""
        now = self._clock.now()
        event = AuditEvent(Event.OTHERS_ENDED, Outcome.OK, session.user_id)
        ended = others_ended(session.user_id, session.session_id, now)
        await self._database.write(ended, insert_event(event, caller, now))
        log_event(event, caller)

    async def activity(self, user_id: UUID, before: UUID | None) -> OwnActivity:
        """Return the newest events, or those before one of the user's events; without the refreshes of sessions."""
        refresh = sessions_feature.Event.REFRESH
        found = await list_events_before(self._database, user_id, before, without=refresh, most=PAGE_SIZE + 1)
        shown = found[:PAGE_SIZE]
        has_more = len(found) > PAGE_SIZE
        return OwnActivity(events=[self._as_own(event) for event in shown], before=shown[-1].id if has_more else None)

    def _as_own(self, event: KeptEvent) -> OwnEvent:
        return OwnEvent(
            id=event.id,
            at=event.at,
            what=words_for(event, self._events),
            outcome="ok" if event.outcome == Outcome.OK else "refused",
            # The names of operators are none of the user's business.
            network=event.source if is_network(event.source) else None,
        )
