"""How much Argon2id costs in tests."""

from functools import cache

from focys.infra.crypto.hashing import Hasher
from focys.settings import Settings

CHEAP = {"password_hash_memory_kib": 64, "password_hash_passes": 1}
FULL = {"password_hash_memory_kib": 19 * 1024, "password_hash_passes": 2}
"""As the service hashes by default."""


def with_cheap_hashing(settings: Settings, *, keep: frozenset[str] = frozenset()) -> Settings:
    """Return the settings with hashing below the strength that may be set, except for the settings in *keep*."""
    return settings.model_copy(update={name: value for name, value in CHEAP.items() if name not in keep})


@cache
def cheap_hasher() -> Hasher:
    """Return a hasher whose hashes take next to no time to check, because each has its own parameters."""
    return Hasher(memory_kib=64, passes=1, threads=1, queue=100)
