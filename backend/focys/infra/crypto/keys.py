"""One purpose per key: everything is derived from SECRET_KEY by HKDF (RFC 5869) under a fixed label."""

import hmac
from enum import StrEnum
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Purpose(StrEnum):
    """The labels; changing one breaks only the feature that uses it."""

    TOTP_SECRETS = "focys/1/totp-secrets"
    KEY_ID = "focys/1/key-id"
    ACCESS_TOKENS = "focys/1/access-tokens"
    REFRESH_TOKENS = "focys/1/refresh-tokens"
    EMAIL_CODES = "focys/1/email-codes"
    THROTTLE_KEYS = "focys/1/throttle-keys"


class KeyRing:
    """The current key and its predecessors, newest first, as subkeys of 32 bytes."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys

    def current(self, purpose: Purpose) -> bytes:
        """Return the subkey that new things are made with."""
        return _subkey(self._keys[0], purpose)

    def all(self, purpose: Purpose) -> list[bytes]:
        """Return every subkey that old things may have been made with, newest first."""
        return [_subkey(key, purpose) for key in self._keys]

    def by_id(self, purpose: Purpose) -> dict[str, bytes]:
        """Return the subkeys by the id that stands in what they sealed, newest first."""
        return {_subkey(key, Purpose.KEY_ID)[:4].hex(): _subkey(key, purpose) for key in self._keys}

    def mac(self, purpose: Purpose, message: str) -> bytes:
        """Return the 32-byte HMAC-SHA256 of *message* under the current subkey."""
        return hmac.digest(self.current(purpose), message.encode(), "sha256")


@lru_cache(maxsize=256)
def _subkey(key: str, purpose: Purpose) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(key.encode())
