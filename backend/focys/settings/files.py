"""The files that settings come from, for checks of them; ``loading`` reads the settings."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from focys.settings.model import Settings
from focys.settings.secret_files import SECRETS

_READ_DIFFERENTLY = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*(?!['"]).*?(?:[ \t]#|['"\\]|\$\{)""", re.MULTILINE
)
"""An unquoted value with a comment, a quote, a backslash or a variable: systemd takes these literally."""


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


def _given() -> Mapping[str, str]:
    file = settings_file()
    written = dotenv_values(file) if file else {}
    found = {**written, **os.environ}
    return {name.lower(): value for name, value in found.items() if value}
