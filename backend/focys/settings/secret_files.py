"""Secrets read from files: those that NAME_FILE names, the generated key, and the keys before it."""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from pydantic_settings.sources import EnvSettingsSource

from focys.settings.errors import SettingsError

MIN_KEY_BYTES = 32
UNUSED_KEY = "a key for commands that encrypt and sign nothing"
SECRETS = ("secret_key", "secret_key_fallbacks", "smtp_password", "database_url", "rate_limit_storage")


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """Stands for a secret that could not be read, so that it is reported together with the other problems."""

    sentence: str


class SecretFiles(EnvSettingsSource):
    """Reads each secret from the file named by NAME_FILE, if the environment or ``.env`` sets that variable."""

    def __init__(self, settings_cls: type[BaseSettings], dotenv: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._dotenv = dotenv.env_vars if isinstance(dotenv, EnvSettingsSource) else {}

    def __call__(self) -> dict[str, Any]:
        """Return the secrets found in files, by field name."""
        found: dict[str, Any] = {name: _content_of(name, path) for name in SECRETS if (path := self.path_of(name))}
        former = found.get("secret_key_fallbacks")
        if isinstance(former, str):
            # A replacement of the key that was interrupted leaves it in both files.
            found["secret_key_fallbacks"] = [key for key in keys_in(former) if key != found.get("secret_key")]
        return found

    def path_of(self, name: str) -> Path | None:
        """Return the file that a secret is read from; None if it is not read from a file."""
        # The environment takes precedence over .env, and the value itself over a file.
        nearest = next((place for place in (self.env_vars, self._dotenv) if {name, f"{name}_file"} & {*place}), {})
        path = nearest.get(f"{name}_file")
        if path and name not in nearest:
            return Path(path)
        if name == "secret_key_fallbacks" and not nearest and (key := self.path_of("secret_key")):
            beside = former_keys_file(key)
            return beside if os.path.lexists(beside) else None
        return None


def _content_of(name: str, path: Path) -> str | UnreadableFile:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as fault:
        return UnreadableFile(f"the file that {name.upper()}_FILE names cannot be read ({fault.strerror})")
    except UnicodeDecodeError:
        return UnreadableFile(f"the file that {name.upper()}_FILE names is not text")


def keys_in(text: str) -> list[str]:
    """Return the keys in a list that is separated by commas."""
    return [key.strip() for key in text.split(",") if key.strip()]


def former_keys_file(path: Path) -> Path:
    """Return where ``focys keys new`` keeps the predecessors of the key in *path*, unless a setting names the file."""
    return path.with_name(f"{path.name}_fallbacks")


def former_keys(path: Path, key: str) -> list[str]:
    """Return the predecessors of the *key* in *path*, newest first."""
    former = former_keys_file(path)
    return [one for one in keys_in(former.read_text(encoding="utf-8")) if one != key] if former.exists() else []


def new_key() -> str:
    """Return a random key."""
    return secrets.token_urlsafe(48)


def generated_key(path: Path) -> str:
    """Return the key in the file. The file is created atomically, so processes starting together share one key."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(new_key())
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    key = path.read_text(encoding="utf-8").strip()
    if len(key.encode()) < MIN_KEY_BYTES:
        raise SettingsError([f"SECRET_KEY: the generated key in {path} is corrupted; restore it from your copy"])
    return key
