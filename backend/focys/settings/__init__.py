"""Settings. Only this package reads the environment. Error messages never contain values."""

from focys.settings.errors import SettingsError
from focys.settings.loading import inherited, load_settings
from focys.settings.model import BACKEND, DEMO_PAGES, LOCAL_HOSTS, PAGES, Settings
from focys.settings.secret_files import SECRETS

__all__ = [
    "BACKEND",
    "DEMO_PAGES",
    "LOCAL_HOSTS",
    "PAGES",
    "SECRETS",
    "Settings",
    "SettingsError",
    "inherited",
    "load_settings",
]
