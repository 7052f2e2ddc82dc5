"""Handles, access tokens (JWT, RFC 7519 as RFC 9068 types them) and refresh tokens.

A handle is 256 random bits; the database keeps only its SHA-256. A refresh token is the MAC of a session's id,
generation and secret seed, so it can be computed again but is stored nowhere.
"""

import base64
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from pydantic_core import from_json, to_json

from focys.infra.keys import KeyRing, Purpose

HANDLE_LENGTH = 43
"""Characters of 32 bytes in unpadded base64url."""

SEED_BYTES = 32
LEEWAY_SECONDS = 60

_REFRESH_BYTES = 16 + 4 + 32
# {"alg":"HS256","typ":"at+jwt"}, encoded once (RFC 7515 section 3.1). A library has to take what any issuer may have
# written: it needs ten times as long to read a token, which is a third of the time of GET /auth/me.
_HEADER = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9"


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


def new_handle() -> str:
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
            "sub": claims.user_id,
            "sid": claims.session_id,
            "iat": issued,
            "nbf": issued,
            "exp": issued + seconds,
            "jti": uuid4(),
            "amr": claims.amr,
            "auth_time": int(claims.auth_time.timestamp()),
        }
        signed = f"{_HEADER}.{_base64url(to_json(payload))}"
        return f"{signed}.{_signature(self._keys.current(Purpose.ACCESS_TOKENS), signed.encode())}"

    def read_access(self, token: str, now: datetime) -> AccessClaims:
        """Return the claims of an access token.

        Raises:
            InvalidTokenError: whatever is wrong with it.
        """
        signed, _, mac = token.rpartition(".")
        header, _, payload = signed.partition(".")
        try:
            # We write exactly one header and interpret none of it, so no token can choose how it is verified.
            if header != _HEADER or not self._is_signed(signed, mac):
                raise InvalidTokenError
            return self._claims(from_json(_from_base64url(payload)), now)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as fault:
            raise InvalidTokenError from fault

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
            raw = _from_base64url(token)
        except ValueError as fault:
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

    def _is_signed(self, signed: str, mac: str) -> bool:
        text, found = signed.encode(), mac.encode()
        return any(
            hmac.compare_digest(_signature(key, text).encode(), found) for key in self._keys.all(Purpose.ACCESS_TOKENS)
        )

    def _claims(self, payload: dict[str, Any], now: datetime) -> AccessClaims:
        # One audience, as we write it; a token with additional audiences was made for someone else.
        if payload["iss"] != self._issuer or payload["aud"] != self._issuer or not isinstance(payload["jti"], str):
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


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _from_base64url(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _signature(key: bytes, text: bytes) -> str:
    return _base64url(hmac.digest(key, text, "sha256"))


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidTokenError
    return value


def _mac(key: bytes, session_id: UUID, generation: int, seed: bytes) -> bytes:
    return hmac.digest(key, session_id.bytes + generation.to_bytes(4, "big") + seed, "sha256")


def _spell(session_id: UUID, generation: int, mac: bytes) -> str:
    return _base64url(session_id.bytes + generation.to_bytes(4, "big") + mac)
