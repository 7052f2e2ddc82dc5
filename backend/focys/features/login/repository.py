"""The SQL of logins under way, and the two queries that gather everything a decision needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, and_, bindparam, case, exists, literal, select, tuple_, update

from focys.domain import lockout
from focys.domain.bypass import Bypass
from focys.domain.login import Step
from focys.features.accounts import users
from focys.features.backup_codes import left_for
from focys.features.browsers import browsers
from focys.features.bypass import id_in_force_for, mfa_bypasses
from focys.features.lockout import in_bucket, second_factor_failures, throttles
from focys.features.login.models import pending_logins
from focys.features.sessions import live_count_for
from focys.infra.database import Change, Database
from focys.infra.lifetime import lasts
from focys.infra.tokens import digest

MAX_LIVE_LOGINS = 5
_MAX_FAILURES = 100

_own_browser = case((browsers.c.epoch == users.c.credential_epoch, browsers.c.id), else_=None)
_is_own_cookie = (browsers.c.user_id == users.c.id) & (browsers.c.token_hash == bindparam("browser_hash"))
_other = browsers.alias("other")
_account = (
    users.c.id.label("user_id"),
    users.c.email,
    users.c.display_name,
    users.c.role,
    users.c.password_hash,
    users.c.password_changed_at,
    users.c.disabled_at,
    users.c.mfa_enabled,
    users.c.totp_secret,
    users.c.totp_last_step,
    users.c.attempt_seq,
    users.c.credential_epoch,
    left_for(users.c.id).label("backup_codes_left"),
    live_count_for(users.c.id).label("sessions_live"),
    browsers.c.id.label("known_as"),
    _own_browser.label("browser_id"),
    exists(select(literal(1)).where(_other.c.token_hash == bindparam("browser_hash"))).label("cookie_is_ours"),
    second_factor_failures.c.at.label("failed_at"),
)
_failures = in_bucket(users.c.id, _own_browser)

_AT_START = (
    select(
        *_account,
        throttles.c.key.label("throttle_key"),
        throttles.c.hits,
        throttles.c.last_at,
        mfa_bypasses.c.id.label("bypass_id"),
        mfa_bypasses.c.user_id.is_not(None).label("bypass_is_named"),
        mfa_bypasses.c.ends_at.label("bypass_until"),
    )
    .select_from(
        select(literal(1).label("one"))
        .subquery("one")
        .outerjoin(users, users.c.email == bindparam("address"))
        .outerjoin(browsers, _is_own_cookie)
        .outerjoin(second_factor_failures, _failures)
        .outerjoin(mfa_bypasses, mfa_bypasses.c.id == id_in_force_for(users.c.id))
        .outerjoin(
            throttles,
            throttles.c.key
            == case(
                (_own_browser.is_not(None), bindparam("browser_key", type_=String)),
                else_=bindparam("network_key", type_=String),
            ),
        )
    )
    .order_by(second_factor_failures.c.at.desc())
    .limit(_MAX_FAILURES)
)
_newer = pending_logins.alias("newer")
# Starts that run side by side do not see each other's login, so it is the reader who finds out which ones are too many.
_is_crowded_out = exists(
    select(literal(1))
    .where(
        _newer.c.user_id == pending_logins.c.user_id,
        tuple_(_newer.c.created_at, _newer.c.id) > tuple_(pending_logins.c.created_at, pending_logins.c.id),
        _newer.c.consumed_at.is_(None),
        lasts(_newer.c.expires_at),
    )
    .offset(MAX_LIVE_LOGINS - 1)
    .correlate(pending_logins)
)
_is_live = and_(
    pending_logins.c.consumed_at.is_(None),
    lasts(pending_logins.c.expires_at),
    ~_is_crowded_out,
    users.c.disabled_at.is_(None),
    pending_logins.c.epoch == users.c.credential_epoch,
)
_UNDER_WAY = (
    select(
        pending_logins.c.id.label("login_id"),
        pending_logins.c.step,
        pending_logins.c.expires_at,
        _is_live.label("is_live"),
        pending_logins.c.code_issue,
        pending_logins.c.code_long,
        pending_logins.c.code_tries,
        pending_logins.c.code_sent_at,
        pending_logins.c.code_expires_at,
        *_account,
    )
    .select_from(
        pending_logins.join(users, users.c.id == pending_logins.c.user_id)
        .outerjoin(browsers, _is_own_cookie)
        .outerjoin(second_factor_failures, _failures)
    )
    .where(pending_logins.c.handle_hash == bindparam("handle_hash"))
    .order_by(second_factor_failures.c.at.desc())
    .limit(_MAX_FAILURES)
)

_CONSUME = (
    update(pending_logins).where(pending_logins.c.id == bindparam("for_login")).values(consumed_at=bindparam("moment"))
)
_CONSUME_HANDLE = (
    update(pending_logins)
    .where(pending_logins.c.handle_hash == bindparam("old_handle"), pending_logins.c.consumed_at.is_(None))
    .values(consumed_at=bindparam("moment"))
)
_older = pending_logins.alias("older")
_MAKE_ROOM = (
    update(pending_logins)
    .where(
        pending_logins.c.id.in_(
            select(_older.c.id)
            .where(
                _older.c.user_id == bindparam("for_user"), _older.c.consumed_at.is_(None), lasts(_older.c.expires_at)
            )
            .order_by(_older.c.created_at.desc(), _older.c.id.desc())
            .offset(MAX_LIVE_LOGINS - 1)
        )
    )
    .values(consumed_at=bindparam("moment"))
)
_COUNT_CODE_TRY = (
    update(pending_logins)
    .where(pending_logins.c.id == bindparam("for_login"))
    .values(code_tries=pending_logins.c.code_tries + 1)
)
_MAIL_CODE = (
    update(pending_logins)
    .where(pending_logins.c.id == bindparam("for_login"))
    .values(
        code_issue=bindparam("issue"),
        code_long=bindparam("is_long"),
        code_tries=bindparam("tries"),
        code_sent_at=bindparam("moment"),
        code_expires_at=bindparam("code_until"),
    )
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at one moment: the row of login, account and browser, and the bucket's failures."""

    row: Any
    failures: tuple[datetime, ...]

    @property
    def step(self) -> Step:
        """Where the login stands."""
        return Step(self.row.step)

    def bypass(self, now: datetime) -> Bypass | None:
        """Return the bypass that takes the place of the second step; known at the start of a login only."""
        row = self.row
        if row.bypass_id is None:
            return None
        found = Bypass(row.bypass_id, bool(row.bypass_is_named), row.bypass_until)
        return found if row.mfa_enabled and found.lets_in(row.role, now) else None

    def standing(self, now: datetime) -> lockout.Open | lockout.Locked | lockout.Guarded:
        """Return what the bucket's failures mean now."""
        return lockout.verdict(self.failures, now)


class LoginRepository:
    """Gathers facts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_at_start(
        self, address: str, *, browser: str | None, browser_key: str, network_key: str, now: datetime
    ) -> Facts:
        """Return what is known before a password is looked at; ``row.user_id`` is None for an unknown address."""
        rows = await self._database.rows(
            _AT_START,
            address=address,
            browser_hash=digest(browser or ""),
            browser_key=browser_key,
            network_key=network_key,
            since=now - lockout.MEMORY,
            moment=now,
        )
        return _facts(rows)

    async def find_under_way(
        self, handle: str | None, *, browser: str | None, now: datetime, latest_end: datetime
    ) -> Facts | None:
        """Return what is known of the login a handle belongs to; ``row.is_live`` tells whether it is one still."""
        if handle is None:
            return None
        rows = await self._database.rows(
            _UNDER_WAY,
            handle_hash=digest(handle),
            browser_hash=digest(browser or ""),
            since=now - lockout.MEMORY,
            moment=now,
            latest_end=latest_end,
        )
        return _facts(rows) if rows else None


def _facts(rows: Sequence[Any]) -> Facts:
    return Facts(rows[0], tuple(row.failed_at for row in rows if row.failed_at is not None))


def begun(row: dict[str, Any]) -> Change:
    """Insert a login under way."""
    return Change(pending_logins, row)


def consumed(login_id: UUID, now: datetime) -> Change:
    """Consume a login, once."""
    return Change(_CONSUME, {"for_login": login_id, "moment": now})


def handle_consumed(handle: str, now: datetime) -> Change:
    """Consume the login that the browser had in progress before."""
    return Change(_CONSUME_HANDLE, {"old_handle": digest(handle), "moment": now})


def room_made(user_id: UUID, now: datetime, latest_end: datetime) -> Change:
    """Consume all but the four newest logins of a user, so that a fifth may begin."""
    return Change(_MAKE_ROOM, {"for_user": user_id, "moment": now, "latest_end": latest_end})


def code_try_counted(login_id: UUID) -> Change:
    """Count a wrong mailed code."""
    return Change(_COUNT_CODE_TRY, {"for_login": login_id})


def code_mailed(login_id: UUID, *, issue: int, long: bool, tries: int, now: datetime, until: datetime) -> Change:
    """Note that a code was mailed."""
    values = {
        "for_login": login_id,
        "issue": issue,
        "is_long": long,
        "tries": tries,
        "moment": now,
        "code_until": until,
    }
    return Change(_MAIL_CODE, values)
