"""Encryption of stored TOTP secrets: AES-256-GCM, bound to the owner and the key."""

import base64
import binascii
import os
import re
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from focys.infra.crypto.keys import KeyRing, Purpose

_VERSION = "v1"
_NONCE_BYTES = 12
_FORM = re.compile(rf"{_VERSION}\.(?P<kid>[0-9a-f]{{8}})\.[A-Za-z0-9+/=]+")


_SEAL = re.compile(rf"{_VERSION}\.(?P<kid>[0-9a-f]{{8}})\.")


class UnreadableSecretError(Exception):
    """The stored text cannot be decrypted: wrong key, wrong user or corrupted data."""


class SecretBox:
    """Encrypts and decrypts secrets. A sealed text is ``v1.<key ID>.<nonce and ciphertext in Base64>``."""

    def __init__(self, keys: KeyRing) -> None:
        self._ciphers = {kid: AESGCM(key) for kid, key in keys.by_id(Purpose.TOTP_SECRETS).items()}
        self._current = next(iter(self._ciphers))

    def seal(self, secret: str, owner: UUID) -> str:
        """Return *secret* encrypted with the current key, for this owner only."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, secret.encode(), _context(owner, self._current))
        return f"{_VERSION}.{self._current}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, owner: UUID) -> str:
        """Return the secret.

        Raises:
            UnreadableSecretError: no configured key decrypts it for this owner. It never means "no secret".
        """
        try:
            version, kid, body = sealed.split(".")
            if version != _VERSION:
                raise UnreadableSecretError
            raw = base64.b64decode(body, validate=True)
            return self._ciphers[kid].decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _context(owner, kid)).decode()
        except (KeyError, ValueError, binascii.Error, InvalidTag):
            raise UnreadableSecretError from None

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The IDs of the configured keys, newest first. Every ciphertext contains its key's ID; IDs are not secret."""
        return tuple(self._ciphers)

    def has_key_of(self, sealed: str) -> bool | None:
        """Tell whether the key that *sealed* names is configured; None if the text is corrupted and names none."""
        form = _FORM.fullmatch(sealed)
        return form["kid"] in self._ciphers if form else None

    def is_of(self, key_id: str, sealed: str) -> bool:
        """Tell whether *sealed* names this key, whether or not the rest is intact."""
        return sealed.startswith(f"{_VERSION}.{key_id}.")

    def has_seal_of(self, beginning: str) -> bool:
        """Tell whether a ciphertext with this beginning names a configured key."""
        return any(self.is_of(kid, beginning) for kid in self._ciphers)

    def is_current(self, sealed: str) -> bool:
        """Tell whether *sealed* was made with the newest key."""
        return self.is_of(self._current, sealed)


def key_id_of(beginning: str) -> str | None:
    """Return the id of the key that a ciphertext with this beginning names, or None if it names none."""
    found = _SEAL.match(beginning)
    return found["kid"] if found else None


def _context(owner: UUID, kid: str) -> bytes:
    return f"totp|{owner}|{kid}".encode()
