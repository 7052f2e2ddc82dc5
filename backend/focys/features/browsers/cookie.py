"""The cookie that identifies a known browser: one token per account that has signed in on it, the newest last."""

import re
from hmac import compare_digest

from focys.infra.crypto.tokens import TOKEN_LENGTH, digest

MAX_TOKENS = 3
"""How many accounts can know one browser; beyond that, the one that signed in least recently is dropped."""

_SEPARATOR = "."
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}")


def tokens_of(cookie: str | None) -> list[str]:
    """Return the tokens in a cookie; ignore anything else in it."""
    tokens = [token for token in (cookie or "").split(_SEPARATOR) if _TOKEN.fullmatch(token)]
    return tokens[-MAX_TOKENS:]


def digests_of(cookie: str | None) -> list[bytes]:
    """Return the hash of each token as stored in the database, padded to ``MAX_TOKENS`` with the hash of ''."""
    tokens = tokens_of(cookie)
    return [digest(token) for token in (*tokens, *[""] * (MAX_TOKENS - len(tokens)))]


def token_in(cookie: str | None, token_hash: bytes) -> str | None:
    """Return the token in a cookie that has this hash, or None."""
    return next((token for token in tokens_of(cookie) if compare_digest(digest(token), token_hash)), None)


def with_token(cookie: str | None, token: str, *, instead_of: bytes | None = None) -> str:
    """Return the cookie with a token added as the newest, and the one with the hash *instead_of* removed."""
    kept = [old for old in tokens_of(cookie) if instead_of is None or not compare_digest(digest(old), instead_of)]
    return _SEPARATOR.join([*kept, token][-MAX_TOKENS:])
