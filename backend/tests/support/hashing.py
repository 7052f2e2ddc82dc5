"""What is compared by Argon2id, observed at the library."""

from typing import Any

import pytest
from argon2 import PasswordHasher


def record_comparisons(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Record each stored hash, with the password it is compared to, from now on."""
    compared: list[tuple[str, str]] = []
    verify = PasswordHasher.verify

    def recorded(hasher: PasswordHasher, stored: str, password: str) -> Any:
        compared.append((stored, password))
        return verify(hasher, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", recorded)
    return compared
