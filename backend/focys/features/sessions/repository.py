"""The SQL of sessions. A rotation is a conditional UPDATE, so only one of several concurrent ones succeeds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, func, select, update

from focys.features.accounts import users
from focys.features.bypass import not_ended
from focys.features.sessions.models import KeptSession, LiveSession, NewSession, sessions
from focys.infra.db.database import Change, Database

MAX_SESSIONS = 10
_A_DAY, _MANY_PEOPLE = timedelta(days=1), 10

_live = (
    sessions.c.revoked_at.is_(None),
    users.c.disabled_at.is_(None),
    sessions.c.epoch == users.c.credential_epoch,
    not_ended(sessions.c.bypass_id),
)
_terms = (users.c.role, sessions.c.amr, sessions.c.last_used_at, sessions.c.expires_at, sessions.c.bypass_id)
_live_session = (
    *_terms,
    sessions.c.id.label("session_id"),
    users.c.id.label("user_id"),
    users.c.email,
    users.c.display_name,
    users.c.mfa_enabled,
    sessions.c.epoch,
    sessions.c.auth_time,
    sessions.c.stepped_up_at,
    sessions.c.stepped_up_by,
    sessions.c.rotated_at,
    sessions.c.refresh_seed,
    sessions.c.refresh_generation,
)
_kept_session = (
    *_terms,
    sessions.c.address,
    sessions.c.agent,
    sessions.c.created_at,
    and_(*_live).label("is_live"),
)
_ROTATE = (
    update(sessions)
    .where(
        sessions.c.id == bindparam("for_session"),
        sessions.c.refresh_generation == bindparam("generation_read"),
        sessions.c.revoked_at.is_(None),
    )
    .values(
        refresh_generation=sessions.c.refresh_generation + 1,
        rotated_at=bindparam("moment"),
        last_used_at=bindparam("moment"),
    )
)
_STEP_UP = (
    update(sessions)
    .where(sessions.c.id == bindparam("for_session"))
    .values(stepped_up_at=bindparam("moment"), stepped_up_by=bindparam("method"))
)
_END = update(sessions).where(sessions.c.id == bindparam("for_session")).values(revoked_at=bindparam("moment"))
_END_ALL = (
    update(sessions)
    .where(sessions.c.user_id == bindparam("for_user"), sessions.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("moment"))
)
_END_OTHERS = _END_ALL.where(sessions.c.id != bindparam("for_session"))
_REBIND = update(sessions).where(sessions.c.id == bindparam("for_session")).values(epoch=bindparam("new_epoch"))
_END_EVERYBODYS = (
    update(sessions)
    .where(sessions.c.revoked_at.is_(None), sessions.c.expires_at > bindparam("moment"))
    .values(revoked_at=bindparam("moment"))
)
_LIST_OF = (
    select(*_kept_session)
    .join_from(sessions, users, users.c.id == sessions.c.user_id)
    .where(sessions.c.user_id == bindparam("for_user"))
    .order_by(sessions.c.created_at.desc())
)
_COUNT_UNDER = select(func.count()).where(sessions.c.bypass_id == bindparam("the_bypass"))
_seen_at = sessions.c.address
_ADDRESSES = (
    select(func.count(sessions.c.user_id.distinct()).label("people"))
    .add_columns(func.count(_seen_at.distinct()).label("addresses"), func.min(_seen_at).label("one"))
    .where(sessions.c.created_at > bindparam("since"))
)
_oldest = sessions.alias("oldest")
_END_OLDEST = (
    update(sessions)
    .where(
        sessions.c.id.in_(
            select(_oldest.c.id)
            .where(_oldest.c.user_id == bindparam("for_user"), _oldest.c.revoked_at.is_(None))
            .order_by(_oldest.c.created_at.desc())
            .offset(MAX_SESSIONS - 1)
        )
    )
    .values(revoked_at=bindparam("moment"))
)


def live_count_for(user_id: ColumnElement[UUID]) -> ColumnElement[int]:
    """Return a column with the number of a user's sessions that have not been ended."""
    return (
        select(func.count(sessions.c.id))
        .where(sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
        .correlate_except(sessions)
        .scalar_subquery()
    )


def ended(session_id: UUID, now: datetime) -> Change:
    """End one session."""
    return Change(_END, {"for_session": session_id, "moment": now})


def all_ended(user_id: UUID, now: datetime) -> Change:
    """End every session of a user."""
    return Change(_END_ALL, {"for_user": user_id, "moment": now})


def others_ended(user_id: UUID, session_id: UUID, now: datetime) -> Change:
    """End every session of a user except one."""
    return Change(_END_OTHERS, {"for_user": user_id, "for_session": session_id, "moment": now})


def rebound(session_id: UUID, epoch: int) -> Change:
    """Let a session continue under the account's new credential epoch."""
    return Change(_REBIND, {"for_session": session_id, "new_epoch": epoch})


def everybodys_ended(now: datetime) -> Change:
    """End all users' sessions."""
    return Change(_END_EVERYBODYS, {"moment": now})


def oldest_ended(user_id: UUID, now: datetime) -> Change:
    """Make room for one more session: end all but the nine newest."""
    return Change(_END_OLDEST, {"for_user": user_id, "moment": now})


def opened(new: NewSession) -> Change:
    """Insert a session."""
    row = {
        "id": new.id,
        "user_id": new.user_id,
        "epoch": new.epoch,
        "refresh_seed": new.refresh_seed,
        "refresh_generation": 0,
        "rotated_at": new.opened_at,
        "amr": " ".join(new.amr),
        "auth_time": new.opened_at,
        "address": new.address,
        "agent": new.agent,
        "created_at": new.opened_at,
        "last_used_at": new.opened_at,
        "expires_at": new.expires_at,
        "bypass_id": new.bypass_id,
    }
    return Change(sessions, row)


def rotated(session_id: UUID, generation: int, now: datetime) -> Change:
    """Guard: rotates the refresh token, unless it was rotated already."""
    return Change(_ROTATE, {"for_session": session_id, "generation_read": generation, "moment": now})


def stepped_up(session_id: UUID, method: str, now: datetime) -> Change:
    """Record that the owner has just confirmed that it is them, and how."""
    return Change(_STEP_UP, {"for_session": session_id, "method": method, "moment": now})


async def find_lone_address(database: Database, now: datetime) -> tuple[int, str] | None:
    """Return the number of users who signed in during the last day, and their address, if all had the same one.

    None if they had several, or if there are fewer than ten users, which proves nothing.
    """
    row = await database.first(_ADDRESSES, since=now - _A_DAY)
    return (row.people, row.one) if row and row.addresses == 1 and row.people >= _MANY_PEOPLE else None


class SessionRepository:
    """Finds sessions. *backup_codes* are the columns of ``LiveSession`` whose names begin so."""

    def __init__(self, database: Database, backup_codes: Sequence[ColumnElement[Any]]) -> None:
        self._database = database
        self._find = (
            select(*_live_session, *backup_codes)
            .join_from(sessions, users, users.c.id == sessions.c.user_id)
            .where(sessions.c.id == bindparam("for_session"), *_live)
        )

    async def list_of(self, user_id: UUID) -> list[KeptSession]:
        """Return all stored sessions of a user, newest first."""
        rows = await self._database.rows(_LIST_OF, for_user=user_id)
        return [KeptSession(**{**row._asdict(), "amr": tuple(row.amr.split())}) for row in rows]

    async def count_under(self, bypass_id: UUID) -> int:
        """Return how many sessions were opened under a bypass."""
        row = await self._database.first(_COUNT_UNDER, the_bypass=bypass_id)
        return int(row[0]) if row else 0

    async def find_live(self, session_id: UUID) -> LiveSession | None:
        """Return a session with its user, unless it was ended, its user disabled, or a credential changed since."""
        row = await self._database.first(self._find, for_session=session_id)
        return LiveSession(**{**row._asdict(), "amr": tuple(row.amr.split())}) if row else None
