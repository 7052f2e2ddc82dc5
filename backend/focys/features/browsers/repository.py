"""The SQL of known browsers."""

from typing import TypedDict
from uuid import UUID

from sqlalchemy import BindParameter, Column, ColumnElement, FromClause, and_, bindparam, delete, func, select, update

from focys.features.browsers.cookie import MAX_TOKENS, digests_of
from focys.features.browsers.models import browsers
from focys.infra.db.database import Change

SEEN = (
    update(browsers)
    .where(browsers.c.id == bindparam("for_browser"))
    .values(last_seen_at=bindparam("moment"), epoch=bindparam("new_epoch"), token_hash=bindparam("new_hash"))
)

_FORGET = delete(browsers).where(browsers.c.user_id == bindparam("for_user"))
_TOKENS: list[BindParameter[bytes]] = [bindparam(f"browser_{i}") for i in range(MAX_TOKENS)]


def count_for(user_id: ColumnElement[UUID], epoch: ColumnElement[int]) -> ColumnElement[int]:
    """Return a column with the number of known browsers of the user that other columns of the same query name."""
    return (
        select(func.count(browsers.c.id))
        .where(browsers.c.user_id == user_id, browsers.c.epoch == epoch)
        .correlate_except(browsers)
        .scalar_subquery()
    )


def is_known(user_id: Column[UUID], known: FromClause = browsers) -> ColumnElement[bool]:
    """Return the condition that a row belongs to the user and its token is in the caller's cookie."""
    return and_(known.c.user_id == user_id, known.c.token_hash.in_(_TOKENS))


class CookieParameters(TypedDict):
    """The parameters of ``is_known``: the hash of each token that a cookie may hold."""

    browser_0: bytes
    browser_1: bytes
    browser_2: bytes


def cookie_parameters(cookie: str | None) -> CookieParameters:
    """Return the parameters of ``is_known``."""
    first, second, third = digests_of(cookie)
    return {"browser_0": first, "browser_1": second, "browser_2": third}


def browsers_forgotten(user_id: UUID) -> Change:
    """Delete all known browsers of a user."""
    return Change(_FORGET, {"for_user": user_id})
