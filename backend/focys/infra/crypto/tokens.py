"""Handles, access tokens (JWT, RFC 7519 as RFC 9068 types them) and refresh tokens.

A handle is 256 random bits; the database keeps only its SHA-256. A refresh token is the MAC of a session's id,
generation and secret seed, so it can be computed again but is stored nowhere.
"""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import OctKey

from focys.infra.crypto.keys import KeyRing, Purpose

TOKEN_LENGTH = 43
"""Characters of 32 bytes in unpadded base64url."""

SEED_BYTES = 32
LEEWAY_SECONDS = 60

_HEADER = {"alg": "HS256", "typ": "at+jwt"}
_ALGORITHMS = ["HS256"]
_REFRESH_BYTES = 16 + 4 + 32


class InvalidTokenError(Exception):
    """The token is not one of ours, is altered, or is out of date."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says."""

    user_id: UUID
    session_id: UUID
    amr: tuple[str, ...]
    auth_time: datetime


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """What a refresh token points at; the MAC is still to be checked against the session's seed."""

    session_id: UUID
    generation: int
    mac: bytes


def new_token() -> str:
    """Return 256 random bits for a cookie."""
    return secrets.token_urlsafe(32)


def new_seed() -> bytes:
    """Return the random part of a session's refresh tokens."""
    return secrets.token_bytes(SEED_BYTES)


def digest(handle: str) -> bytes:
    """Return what the database keeps of a handle: its SHA-256."""
    return sha256(handle.encode()).digest()


class Tokens:
    """Makes and checks the signed tokens of one service."""

    def __init__(self, keys: KeyRing, *, issuer: str, access_life: timedelta) -> None:
        self._keys, self._issuer, self._life = keys, issuer, access_life

    @property
    def access_life(self) -> timedelta:
        """How long an access token is good for at most."""
        return self._life

    def access(self, claims: AccessClaims, now: datetime, seconds: int) -> str:
        """Return a signed access token, good for so many seconds."""
        issued = int(now.timestamp())
        payload = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": str(claims.user_id),
            "sid": str(claims.session_id),
            "iat": issued,
            "nbf": issued,
            "exp": issued + seconds,
            "jti": str(uuid4()),
            "amr": list(claims.amr),
            "auth_time": int(claims.auth_time.timestamp()),
        }
        return jwt.encode(_HEADER, payload, _key(self._keys.current(Purpose.ACCESS_TOKENS)), _ALGORITHMS)

    def read_access(self, token: str, now: datetime) -> AccessClaims:
        """Return the claims of an access token.

        Raises:
            InvalidTokenError: whatever is wrong with it.
        """
        for key in self._keys.all(Purpose.ACCESS_TOKENS):
            try:
                decoded = jwt.decode(token, _key(key), _ALGORITHMS)
                return self._claims(decoded.header, decoded.claims, now)
            except BadSignatureError:
                continue
            except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as fault:
                raise InvalidTokenError from fault
        raise InvalidTokenError

    def refresh(self, session_id: UUID, generation: int, seed: bytes) -> str:
        """Return the refresh token of one generation of a session."""
        return _spell(
            session_id,
            generation,
            _mac(self._keys.current(Purpose.REFRESH_TOKENS), session_id, generation, seed),
        )

    def read_refresh(self, token: str) -> RefreshClaims:
        """Return what a refresh token points at.

        Raises:
            InvalidTokenError: it is not even shaped like one.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as fault:
            raise InvalidTokenError from fault
        if len(raw) != _REFRESH_BYTES:
            raise InvalidTokenError
        return RefreshClaims(UUID(bytes=raw[:16]), int.from_bytes(raw[16:20], "big"), raw[20:])

    def is_genuine(self, claims: RefreshClaims, seed: bytes) -> bool:
        """Tell whether this service once issued the token for a session with this seed."""
        return any(
            hmac.compare_digest(_mac(key, claims.session_id, claims.generation, seed), claims.mac)
            for key in self._keys.all(Purpose.REFRESH_TOKENS)
        )

    def _claims(self, header: dict[str, Any], payload: dict[str, Any], now: datetime) -> AccessClaims:
        """Check what the signature does not (RFC 9068 section 4): type, issuer, the one audience, and times."""
        if (header, payload["iss"], payload["aud"]) != (_HEADER, self._issuer, self._issuer):
            raise InvalidTokenError
        if not isinstance(payload["jti"], str):
            raise InvalidTokenError
        moment = now.timestamp()
        issued, begins, ends = (_whole(payload[name]) for name in ("iat", "nbf", "exp"))
        if not (moment < ends and issued <= moment + LEEWAY_SECONDS and begins <= moment + LEEWAY_SECONDS):
            raise InvalidTokenError
        amr = payload["amr"]
        if not isinstance(amr, list) or not all(isinstance(method, str) for method in amr):
            raise InvalidTokenError
        return AccessClaims(
            user_id=UUID(payload["sub"]),
            session_id=UUID(payload["sid"]),
            amr=tuple(amr),
            auth_time=datetime.fromtimestamp(_whole(payload["auth_time"]), UTC),
        )


@lru_cache(maxsize=16)
def _key(secret: bytes) -> OctKey:
    return OctKey.import_key(secret)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidTokenError
    return value


def _mac(key: bytes, session_id: UUID, generation: int, seed: bytes) -> bytes:
    return hmac.digest(key, session_id.bytes + generation.to_bytes(4, "big") + seed, "sha256")


def _spell(session_id: UUID, generation: int, mac: bytes) -> str:
    return _base64url(session_id.bytes + generation.to_bytes(4, "big") + mac)
