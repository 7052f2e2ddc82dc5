"""Recognizes the browser that has just completed a sign-in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from focys.features.browsers.cookie import token_in, with_token
from focys.features.browsers.models import browsers
from focys.features.browsers.repository import SEEN
from focys.infra.crypto.tokens import digest, new_token
from focys.infra.db.database import Change

COOKIE_LIFE = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Known:
    """The row of a known browser; ``is_current`` until the password or a factor changes."""

    id: UUID
    token_hash: bytes
    is_current: bool


@dataclass(frozen=True, slots=True)
class Recognition:
    """The browser's new cookie, and the change that stores it."""

    cookie: str
    change: Change


def recognize(user_id: UUID, known: Known | None, *, cookie: str | None, epoch: int, now: datetime) -> Recognition:
    """Return the cookie and the change that make the caller's browser known to this account.

    A browser gets its own token for each account, and a new one after a change of password or factor; a copy of the old
    cookie is then worthless.

    Args:
        user_id: the user who signed in.
        known: the browser's row for this user, if there is one.
        cookie: the cookie as received.
        epoch: the account's credential epoch after this sign-in.
        now: the time of the request.
    """
    token = token_in(cookie, known.token_hash) if known is not None and known.is_current else None
    if known is not None and token is not None:
        # Move it to the end, so the account that signed in least recently is the first to be dropped.
        newest = with_token(cookie, token, instead_of=known.token_hash)
        return Recognition(newest, _seen(known.id, known.token_hash, epoch, now))
    token = new_token()
    new_cookie = with_token(cookie, token, instead_of=known.token_hash if known else None)
    if known is not None:
        return Recognition(new_cookie, _seen(known.id, digest(token), epoch, now))
    row = {"id": uuid4(), "user_id": user_id, "token_hash": digest(token), "epoch": epoch}
    return Recognition(new_cookie, Change(browsers, {**row, "created_at": now, "last_seen_at": now}))


def _seen(browser_id: UUID, token_hash: bytes, epoch: int, now: datetime) -> Change:
    return Change(SEEN, {"for_browser": browser_id, "new_hash": token_hash, "new_epoch": epoch, "moment": now})
