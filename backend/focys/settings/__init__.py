"""Settings. Only this package reads the environment. Error messages never contain values."""

from focys.settings.errors import SettingsError
from focys.settings.loading import inherited, load_settings
from focys.settings.model import BACKEND, PAGES, Settings
from focys.settings.secret_files import SECRETS
from focys.settings.values import LOCAL_HOSTS, is_url, logo_type

__all__ = [
    "BACKEND",
    "LOCAL_HOSTS",
    "PAGES",
    "SECRETS",
    "Settings",
    "SettingsError",
    "inherited",
    "is_url",
    "load_settings",
    "logo_type",
]
