"""The files that settings come from, for checks of them; ``loading`` reads the settings."""

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

from focys.settings.database_url import VARIABLES
from focys.settings.model import Settings
from focys.settings.secret_files import SECRETS

_READ_DIFFERENTLY = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*(?!['"]).*?(?:[ \t]#|['"\\]|\$\{)""", re.MULTILINE
)
"""An unquoted value with a comment, a quote, a backslash or a variable: systemd takes these literally."""


_ALIKE = 0.8
"""How similar a misspelled name is to the right one; 1 would be the same."""


def settings_file() -> Path | None:
    """Return the file ``.env`` without symlinks, or None if there is none."""
    file = Settings.model_config.get("env_file")
    return Path(file).resolve() if isinstance(file, str | Path) and Path(file).is_file() else None


def secret_files() -> dict[str, Path]:
    """Return the files that NAME_FILE variables name, by the name of the secret."""
    given = _given()
    return {name: Path(given[f"{name}_file"]) for name in SECRETS if given.get(f"{name}_file") and not given.get(name)}


def names_read_differently(text: str) -> list[str]:
    """Return the settings in a settings file that systemd and FOCYS read differently."""
    return _READ_DIFFERENTLY.findall(text)


def names_without_effect() -> list[str]:
    """Return a sentence for each name in ``.env`` that looks like a setting, but is none."""
    file = settings_file()
    return without_effect(dotenv_values(file, interpolate=False)) if file else []


def without_effect(names: Iterable[str]) -> list[str]:
    """Return a sentence for each of the names that looks like a setting, but is none.

    Others are not reported: the file may set variables of other programs, and a secret on two lines looks like a name.
    """
    settings = {name.upper() for name in Settings.model_fields} | {f"{name.upper()}_FILE" for name in SECRETS}
    others = [name for name in names if name.upper() not in settings]
    return [sentence for name in others for sentence in _doubts(name, settings)]


def _doubts(name: str, settings: set[str]) -> list[str]:
    option = next((option for option, variable in VARIABLES.items() if variable == name), None)
    if option is not None:
        return [f"{name} is read from the environment only; set {option} in DATABASE_URL"]
    alike = get_close_matches(name.upper(), settings, n=1, cutoff=_ALIKE)
    return [f"{name} is not a setting; did you mean {meant}?" for meant in alike]


def _given() -> Mapping[str, str]:
    file = settings_file()
    written = dotenv_values(file) if file else {}
    found = {**written, **os.environ}
    return {name.lower(): value for name, value in found.items() if value}
