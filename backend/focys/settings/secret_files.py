"""Secrets read from files: those that NAME_FILE names, and the generated key."""

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
        found: dict[str, Any] = {}
        for name in SECRETS:
            # The environment takes precedence over .env, and the value itself over a file.
            nearest = next((place for place in (self.env_vars, self._dotenv) if {name, f"{name}_file"} & {*place}), {})
            path = nearest.get(f"{name}_file")
            if path and name not in nearest:
                found[name] = _content_of(name, Path(path))
        return found


def _content_of(name: str, path: Path) -> str | UnreadableFile:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as fault:
        return UnreadableFile(f"the file that {name.upper()}_FILE names cannot be read ({fault.strerror})")
    except UnicodeDecodeError:
        return UnreadableFile(f"the file that {name.upper()}_FILE names is not text")


def generated_key(path: Path) -> str:
    """Return the key in the file. The file is created atomically, so processes starting together share one key."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    key = path.read_text(encoding="utf-8").strip()
    if len(key.encode()) < MIN_KEY_BYTES:
        raise SettingsError([f"SECRET_KEY: the generated key in {path} is corrupted; restore it from your copy"])
    return key
