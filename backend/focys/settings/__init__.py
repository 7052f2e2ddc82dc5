"""Settings. Only this package reads the environment. Error messages never contain values."""

from focys.settings.errors import SettingsError
from focys.settings.loading import KeyFiles, inherited, key_files, load_settings
from focys.settings.model import BACKEND, LOCAL_HOSTS, PAGES, Settings
from focys.settings.secret_files import SECRETS, keys_in, new_key

__all__ = [
    "BACKEND",
    "LOCAL_HOSTS",
    "PAGES",
    "SECRETS",
    "KeyFiles",
    "Settings",
    "SettingsError",
    "inherited",
    "key_files",
    "keys_in",
    "load_settings",
    "new_key",
]
