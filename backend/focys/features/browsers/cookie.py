"""The cookie by which a browser is known: one token for each account that signed in on it, the newest last."""

from focys.infra.tokens import HANDLE_LENGTH, digest

MAX_TOKENS = 3
"""Accounts that one browser is known to at once; the one that signed in least recently is forgotten."""

_SEPARATOR = "."


def tokens_of(cookie: str | None) -> list[str]:
    """Return the tokens in a cookie; whatever else it holds is dropped."""
    tokens = [token for token in (cookie or "").split(_SEPARATOR) if len(token) == HANDLE_LENGTH]
    return tokens[-MAX_TOKENS:]


def digests_of(cookie: str | None) -> list[bytes]:
    """Return what the database keeps of each token, and of nothing for each that is not there."""
    tokens = tokens_of(cookie)
    return [digest(token) for token in (*tokens, *[""] * (MAX_TOKENS - len(tokens)))]


def with_token(cookie: str | None, token: str, *, instead_of: bytes | None = None) -> str:
    """Return the cookie with a new token, which takes the place of the one whose hash is *instead_of*."""
    kept = [old for old in tokens_of(cookie) if digest(old) != instead_of]
    return _SEPARATOR.join([*kept, token][-MAX_TOKENS:])
