"""Checks of settings that depend on each other. Each returns its problems, one sentence per setting."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from focys.settings.origins import LOCAL_HOSTS
from focys.settings.secret_files import MIN_KEY_BYTES

MIN_DISTINCT_CHARACTERS = 8
"""Random text of 32 characters has more, even in hexadecimal; fewer mean that someone held down a few keys."""

_HOW = "(try: openssl rand -base64 48)"
_PLACEHOLDERS = (
    "your-secret-key",
    "changeme",
    "change-me",
    "generate_secure",
    "generate-secure",
    "secret-key-here",
    "placeholder",
)


def key_problems(key: str, fallbacks: Sequence[str], *, debug: bool) -> list[str]:
    """Check SECRET_KEY and its predecessors. A weak predecessor is accepted, because it has to be replaced somehow."""
    keys = [key, *fallbacks]
    problems = ["SECRET_KEY: is also listed in SECRET_KEY_FALLBACKS"] if len(set(keys)) < len(keys) else []
    if debug:
        return problems
    if any(word in key.lower() for word in _PLACEHOLDERS):
        problems.append(f"SECRET_KEY: is a placeholder; generate a real key {_HOW}")
    elif any(len(k.encode()) < MIN_KEY_BYTES for k in keys):
        problems.append(f"SECRET_KEY: every key needs at least {MIN_KEY_BYTES} bytes {_HOW}")
    elif _is_monotonous(key):
        problems.append(f"SECRET_KEY: repeats itself, so it can be guessed; generate a random key {_HOW}")
    return problems


def _is_monotonous(key: str) -> bool:
    """Return whether a key has few different characters, or is a shorter text several times."""
    return len(set(key)) < MIN_DISTINCT_CHARACTERS or (key + key).find(key, 1) < len(key)


def origin_problems(public_url: str, origins: Sequence[str]) -> list[str]:
    """Check that no page without TLS may call a service with TLS, except one on the user's own machine."""
    if not public_url.startswith("https://"):
        return []
    open_to_anyone = [o for o in origins if o.startswith("http://") and urlsplit(o).hostname not in LOCAL_HOSTS]
    sentence = (
        "CORS_ORIGINS: every origin must start with https://, as PUBLIC_URL does; anyone can alter a page without TLS"
    )
    return [sentence] if open_to_anyone else []
