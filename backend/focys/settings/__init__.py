"""Settings. Only this package reads the environment. Error messages never contain values."""

from focys.settings.errors import SettingsError
from focys.settings.files import names_read_differently, secret_files, settings_file
from focys.settings.loading import inherited, load_settings
from focys.settings.model import BACKEND, LOCAL_HOSTS, PAGES, Settings
from focys.settings.private import private_values
from focys.settings.secret_files import SECRETS

__all__ = [
    "BACKEND",
    "LOCAL_HOSTS",
    "PAGES",
    "SECRETS",
    "Settings",
    "SettingsError",
    "inherited",
    "load_settings",
    "names_read_differently",
    "private_values",
    "secret_files",
    "settings_file",
]
