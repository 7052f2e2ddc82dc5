"""Settings. Only this package reads the environment. Error messages never contain values."""

from focys.settings.errors import SettingsError
from focys.settings.files import (
    names_read_differently,
    names_without_effect,
    secret_files,
    settings_file,
    without_effect,
)
from focys.settings.loading import SETTINGS_FILE, KeyFiles, inherited, key_files, load_settings
from focys.settings.model import BACKEND, DEMO_PAGES, PAGES, Settings
from focys.settings.origins import LOCAL_HOSTS
from focys.settings.private import private_values
from focys.settings.secret_files import SECRETS, UNUSED_KEY, keys_in, new_key
from focys.settings.values import is_url, logo_type

__all__ = [
    "BACKEND",
    "DEMO_PAGES",
    "LOCAL_HOSTS",
    "PAGES",
    "SECRETS",
    "SETTINGS_FILE",
    "UNUSED_KEY",
    "KeyFiles",
    "Settings",
    "SettingsError",
    "inherited",
    "is_url",
    "key_files",
    "keys_in",
    "load_settings",
    "logo_type",
    "names_read_differently",
    "names_without_effect",
    "new_key",
    "private_values",
    "secret_files",
    "settings_file",
    "without_effect",
]
