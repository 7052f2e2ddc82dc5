"""Password hashing that takes next to no time."""

from focys.settings import Settings

CHEAP = {"password_hash_memory_kib": 64, "password_hash_passes": 1}


def with_cheap_hashing(settings: Settings, *, keep: frozenset[str] = frozenset()) -> Settings:
    """Return the settings with hashing below the strength that may be set, except for the settings in *keep*."""
    return settings.model_copy(update={name: value for name, value in CHEAP.items() if name not in keep})
