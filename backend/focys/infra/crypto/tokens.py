"""Login and browser tokens, access tokens (JWT, RFC 7519, with the profile of RFC 9068) and refresh tokens.

Login and browser tokens are 256 random bits; the database stores only their SHA-256. A refresh token contains the MAC
of its session's ID, generation and secret seed, so it can be recomputed and is stored nowhere.
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
    """The token is not ours, was altered, or is expired or not yet valid."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The claims of an access token."""

    user_id: UUID
    session_id: UUID
    amr: tuple[str, ...]
    auth_time: datetime


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """The contents of a refresh token; the MAC must still be checked against the session's seed."""

    session_id: UUID
    generation: int
    mac: bytes


def new_token() -> str:
    """Return 256 random bits as text, for a cookie."""
    return secrets.token_urlsafe(32)


def new_seed() -> bytes:
    """Return the random part of a session's refresh tokens."""
    return secrets.token_bytes(SEED_BYTES)


def digest(token: str) -> bytes:
    """Return a token's SHA-256, which is all that the database stores of it."""
    return sha256(token.encode()).digest()


class Tokens:
    """Issues and verifies access and refresh tokens."""

    def __init__(self, keys: KeyRing, *, issuer: str, access_life: timedelta) -> None:
        self._keys, self._issuer, self._life = keys, issuer, access_life

    @property
    def access_life(self) -> timedelta:
        """The longest time an access token is valid."""
        return self._life

    def access(self, claims: AccessClaims, now: datetime, seconds: int) -> str:
        """Return a signed access token, valid for this many seconds."""
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
            InvalidTokenError: the token is invalid for any reason.
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
        """Return the refresh token for one generation of a session."""
        return _encode_refresh(
            session_id,
            generation,
            _mac(self._keys.current(Purpose.REFRESH_TOKENS), session_id, generation, seed),
        )

    def read_refresh(self, token: str) -> RefreshClaims:
        """Decode a refresh token without verifying it.

        Raises:
            InvalidTokenError: it does not have the form of a refresh token.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as fault:
            raise InvalidTokenError from fault
        if len(raw) != _REFRESH_BYTES:
            raise InvalidTokenError
        return RefreshClaims(UUID(bytes=raw[:16]), int.from_bytes(raw[16:20], "big"), raw[20:])

    def is_genuine(self, claims: RefreshClaims, seed: bytes) -> bool:
        """Tell whether this service issued the token for a session with this seed."""
        return any(
            hmac.compare_digest(_mac(key, claims.session_id, claims.generation, seed), claims.mac)
            for key in self._keys.all(Purpose.REFRESH_TOKENS)
        )

    def _claims(self, header: dict[str, Any], payload: dict[str, Any], now: datetime) -> AccessClaims:
        """Check what the signature does not cover (RFC 9068 section 4): type, issuer, the single audience and times."""
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


def _encode_refresh(session_id: UUID, generation: int, mac: bytes) -> str:
    return _base64url(session_id.bytes + generation.to_bytes(4, "big") + mac)
