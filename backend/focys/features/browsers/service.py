"""Recognises the browser that has just completed a sign-in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from focys.features.browsers.models import browsers
from focys.features.browsers.repository import SEEN
from focys.infra.database import Change
from focys.infra.tokens import HANDLE_LENGTH, digest, new_handle

COOKIE_LIFE = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Recognition:
    """The cookie the browser is to hold from now on, and the row that knows it."""

    token: str
    change: Change


def recognise(
    user_id: UUID, *, cookie: str | None, known_as: UUID | None, is_ours: bool, epoch: int, now: datetime
) -> Recognition:
    """Return what makes the visitor's browser a known one of this account.

    Args:
        user_id: whose sign-in it completed.
        cookie: the browser cookie it sent.
        known_as: the row of this account that holds the cookie's hash, current or not.
        is_ours: whether any account has such a row; else the cookie is not one we gave out, and is replaced.
        epoch: the account's credential epoch after this sign-in.
        now: the time.
    """
    if known_as is not None and cookie is not None:
        return Recognition(cookie, Change(SEEN, {"for_browser": known_as, "moment": now, "new_epoch": epoch}))
    token = cookie if is_ours and cookie is not None and len(cookie) == HANDLE_LENGTH else new_handle()
    row = {"id": uuid4(), "user_id": user_id, "token_hash": digest(token), "epoch": epoch}
    return Recognition(token, Change(browsers, {**row, "created_at": now, "last_seen_at": now}))
