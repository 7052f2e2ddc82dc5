"""The API as gunicorn and uvicorn find it: ``uvicorn main:app``."""

import sys

from focys.app import create_app
from focys.settings import SettingsError

try:
    app = create_app()
except SettingsError as refusal:
    # One sentence for each setting, and what both of them end with where they cannot start.
    sys.stderr.write(f"{refusal}\n")
    sys.exit(3)
