"""Reads all settings, and reports every problem at once."""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings.sources import DotEnvSettingsSource

from focys.settings.errors import SettingsError
from focys.settings.model import Settings
from focys.settings.secret_files import SecretFiles, former_keys_file

SETTINGS_FILE = ".env"
"""Stands in a problem where others name the setting."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """The file that SECRET_KEY is read from, and the one for its predecessors, which need not exist."""

    current: Path
    former: Path


_NO_DATABASE = (
    "DATABASE_URL: must be set when PUBLIC_URL is not local (is it misspelled?); "
    "an SQLite file works, too: sqlite:////path/focys.db"
)


def load_settings(*, is_demo: bool = False, **overrides: object) -> Settings:
    """Read the environment, ``.env`` and *overrides* (which take precedence), and check everything at once.

    Only a demo may use the default database on a public address.

    Raises:
        SettingsError: with one sentence per invalid setting.
    """
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as fault:
        raise SettingsError(_problems(fault, overrides)) from None
    except PermissionError as fault:
        raise SettingsError([f"{SETTINGS_FILE}: the file cannot be read ({fault.strerror})"]) from None
    if settings.is_embedded and not settings.is_local and not is_demo:
        raise SettingsError([_NO_DATABASE])
    return settings


def _problems(fault: ValidationError, overrides: dict[str, object]) -> list[str]:
    """Return one sentence per problem, including those that only show once the invalid fields are replaced."""
    found = [line for error in fault.errors() for line in _sentences(error)]
    refused = {str(error["loc"][0]) for error in fault.errors() if error["loc"]}
    if refused:
        defaults = {name: Settings.model_fields[name].get_default() for name in refused}
        try:
            Settings(**{**overrides, **defaults})
        except ValidationError as further:
            more = _problems(further, {**overrides, **defaults})
            # Skip problems with the defaults that replace invalid fields.
            found += [line for line in more if line.partition(":")[0].lower() not in refused]
    return found


def _sentences(error: ErrorDetails) -> list[str]:
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return message.splitlines()
    return [f"{str(error['loc'][0]).upper()}: {message[0].lower()}{message[1:]}"]


def inherited(names: tuple[str, ...]) -> dict[str, str]:
    """Return the variables of these names from the environment, to pass on to another program."""
    return {name: os.environ[name] for name in names if name in os.environ}


def key_files(settings: Settings) -> KeyFiles | None:
    """Return where the keys are; None if SECRET_KEY is not read from a file."""
    files = SecretFiles(Settings, DotEnvSettingsSource(Settings))
    current = files.path_of("secret_key")
    if current is None and not settings.secret_key.get_secret_value():
        current = settings.generated_key_file
    if current is None:
        return None
    return KeyFiles(current.resolve(), (files.path_of("secret_key_fallbacks") or former_keys_file(current)).resolve())
