"""Keys. Each purpose has its own subkey, derived from SECRET_KEY with HKDF (RFC 5869) and a fixed label."""

import hmac
from enum import StrEnum
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Purpose(StrEnum):
    """The HKDF labels; changing one invalidates everything made with its subkey."""

    TOTP_SECRETS = "focys/1/totp-secrets"
    KEY_ID = "focys/1/key-id"
    ACCESS_TOKENS = "focys/1/access-tokens"
    REFRESH_TOKENS = "focys/1/refresh-tokens"
    EMAIL_CODES = "focys/1/email-codes"
    THROTTLE_KEYS = "focys/1/throttle-keys"
    ENROLLMENT_TICKETS = "focys/1/enrollment-tickets"


class KeyRing:
    """32-byte subkeys of the current key and its predecessors, newest first."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys

    def current(self, purpose: Purpose) -> bytes:
        """Return the subkey for signing and encrypting."""
        return _subkey(self._keys[0], purpose)

    def all(self, purpose: Purpose) -> list[bytes]:
        """Return every subkey for verifying and decrypting, newest first."""
        return [_subkey(key, purpose) for key in self._keys]

    def by_id(self, purpose: Purpose) -> dict[str, bytes]:
        """Return the subkeys by key ID (the ID that ciphertexts contain), newest first."""
        return {_subkey(key, Purpose.KEY_ID)[:4].hex(): _subkey(key, purpose) for key in self._keys}

    def mac(self, purpose: Purpose, message: str) -> bytes:
        """Return the 32-byte HMAC-SHA256 of *message* with the current subkey."""
        return hmac.digest(self.current(purpose), message.encode(), "sha256")


@lru_cache(maxsize=256)
def _subkey(key: str, purpose: Purpose) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(key.encode())
