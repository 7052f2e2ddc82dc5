"""The changes that the steps of a login write."""

from datetime import datetime
from functools import lru_cache
from typing import cast
from uuid import UUID

from sqlalchemy import Table, Update, Uuid, and_, bindparam, delete, exists, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from focys.features.email_code import CodeIssue
from focys.features.login.models import pending_logins
from focys.features.login.snapshots import PendingLogin
from focys.infra.crypto.tokens import digest
from focys.infra.db.database import Change

_insert = insert(pending_logins).values({column: bindparam(f"new_{column.name}") for column in pending_logins.c})
_BEGIN_AGAIN = _insert.on_conflict_do_update(
    index_elements=[pending_logins.c.handle_hash],
    set_={name: _insert.excluded[name] for name in ("created_at", "expires_at", "code_tries")},
)
_CONSUME = (
    update(pending_logins)
    .where(pending_logins.c.id == bindparam("for_login"), pending_logins.c.consumed_at.is_(None))
    .values(consumed_at=bindparam("moment"))
)
_DROP = delete(pending_logins).where(pending_logins.c.id == bindparam("for_login"))
_CONSUME_TOKEN = (
    update(pending_logins)
    .where(pending_logins.c.handle_hash == bindparam("old_token"), pending_logins.c.consumed_at.is_(None))
    .values(consumed_at=bindparam("moment"))
)
_REPLACE_TOKEN = (
    update(pending_logins)
    .where(pending_logins.c.id == bindparam("for_login"))
    .values(handle_hash=bindparam("new_token"))
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
        code_source=bindparam("source", type_=Uuid),
    )
)
_TAKE_TRY_BACK = (
    update(pending_logins)
    .where(pending_logins.c.id == bindparam("for_login"))
    .values(code_tries=pending_logins.c.code_tries - 1)
)


def begun(login: PendingLogin, token: str, user_id: UUID, epoch: int) -> Change:
    """Insert a login in progress."""
    return Change(pending_logins, _row(login, token, user_id, epoch))


def begun_again(login: PendingLogin, token: str, user_id: UUID, epoch: int) -> Change:
    """Insert a login in progress; if there is one with this token, start that one again."""
    row = {"consumed_at": None, **_row(login, token, user_id, epoch)}
    return Change(_BEGIN_AGAIN, {f"new_{name}": value for name, value in row.items()})


def _row(login: PendingLogin, token: str, user_id: UUID, epoch: int) -> dict[str, object]:
    return {
        "id": login.login_id,
        "handle_hash": digest(token),
        "user_id": user_id,
        "step": login.step_word,
        "epoch": epoch,
        "created_at": login.created_at,
        "expires_at": login.expires_at,
        "code_issue": login.code_issue,
        "code_long": login.code_long,
        "code_tries": login.code_tries,
        "code_sent_at": login.code_sent_at,
        "code_expires_at": login.code_expires_at,
        "code_source": login.code_source,
    }


def consumed(login_id: UUID, now: datetime) -> Change:
    """End a login in progress; changes no row if it has ended already."""
    return Change(_CONSUME, {"for_login": login_id, "moment": now})


def dropped(login_id: UUID) -> Change:
    """Delete a login that nobody can continue, so that nothing is left of a step that failed."""
    return Change(_DROP, {"for_login": login_id})


def token_consumed(token: str, now: datetime) -> Change:
    """End the login in progress that has this token: the browser's previous one."""
    return Change(_CONSUME_TOKEN, {"old_token": digest(token), "moment": now})


def token_replaced(login_id: UUID, token: str) -> Change:
    """Give a login in progress a new token."""
    return Change(_REPLACE_TOKEN, {"for_login": login_id, "new_token": digest(token)})


def code_mailed(login_id: UUID, issue: CodeIssue, tries: int, now: datetime) -> Change:
    """Record which code was emailed for a login: its own, or one shared with another login."""
    source = issue.login_id if issue.login_id != login_id else None
    values = {"for_login": login_id, "issue": issue.number, "is_long": issue.long, "tries": tries, "source": source}
    return Change(_MAIL_CODE, {**values, "moment": now, "code_until": issue.expires_at})


def try_taken_back(login_id: UUID) -> Change:
    """Refund one try of a login."""
    return Change(_TAKE_TRY_BACK, {"for_login": login_id})


def for_live_login(guard: Change, login_id: UUID) -> Change:
    """Return a guard that also requires the login to be in progress still (it may be canceled in another tab)."""
    return Change(_for_live_login(cast("Update", guard.target)), {**guard.values, "for_login": login_id})


def while_charged(guard: Change, charges: Table, charge_id: UUID) -> Change:
    """Return a guard that also requires the row that charges the attempt to exist."""
    return Change(_while_charged(cast("Update", guard.target), charges), {**guard.values, "the_charge": charge_id})


@lru_cache(maxsize=64)
def _while_charged(guard: Update, charges: Table) -> Update:
    return guard.where(exists(select(literal(1)).where(charges.c.id == bindparam("the_charge"))))


@lru_cache(maxsize=64)
def _for_live_login(guard: Update) -> Update:
    is_live = and_(pending_logins.c.id == bindparam("for_login"), pending_logins.c.consumed_at.is_(None))
    return guard.where(exists(select(literal(1)).where(is_live)))
