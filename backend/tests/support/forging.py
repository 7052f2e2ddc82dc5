"""Tokens that only an attacker, or a fault of ours, would make."""

import base64
import hmac
import json
from typing import Any

from focys.infra.crypto.keys import KeyRing, Purpose
from tests.conftest import SECRET_KEY


def signing_key(purpose: Purpose = Purpose.ACCESS_TOKENS) -> bytes:
    """The key that the service under test signs with."""
    return KeyRing((SECRET_KEY,)).current(purpose)


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token."""
    header, payload, _ = token.split(".")
    return _decoded(header), _decoded(payload)


def signed(header: dict[str, Any], claims: dict[str, Any], *, key: bytes | None = None, digest: str = "sha256") -> str:
    """A token with any header and claims, signed by HMAC whatever the header says."""
    text = f"{_encoded(header)}.{_encoded(claims)}"
    return f"{text}.{_base64(hmac.digest(key or signing_key(), text.encode(), digest))}"


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token with an empty signature."""
    return f"{_encoded(header)}.{_encoded(claims)}."


def _encoded(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return value
