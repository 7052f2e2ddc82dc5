"""The cookie that identifies a known browser: one token for each account that signed in on it, the newest last."""

import re
from hmac import compare_digest

from focys.infra.crypto.tokens import TOKEN_LENGTH, digest

MAX_TOKENS = 3
"""The most accounts that can know one browser; the one that signed in least recently is forgotten."""

_SEPARATOR = "."
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}")


def tokens_of(cookie: str | None) -> list[str]:
    """Return the tokens in a cookie; drop anything else in it."""
    tokens = [token for token in (cookie or "").split(_SEPARATOR) if _TOKEN.fullmatch(token)]
    return tokens[-MAX_TOKENS:]


def digests_of(cookie: str | None) -> list[bytes]:
    """Return the hash that the database keeps of each token; fill missing ones with the hash of nothing."""
    tokens = tokens_of(cookie)
    return [digest(token) for token in (*tokens, *[""] * (MAX_TOKENS - len(tokens)))]


def token_in(cookie: str | None, token_hash: bytes) -> str | None:
    """Return the token in a cookie whose hash this is, or None."""
    return next((token for token in tokens_of(cookie) if compare_digest(digest(token), token_hash)), None)


def with_token(cookie: str | None, token: str, *, instead_of: bytes | None = None) -> str:
    """Return the cookie with a new token, which replaces the one whose hash is *instead_of*."""
    kept = [old for old in tokens_of(cookie) if instead_of is None or not compare_digest(digest(old), instead_of)]
    return _SEPARATOR.join([*kept, token][-MAX_TOKENS:])
