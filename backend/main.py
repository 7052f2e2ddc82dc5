"""The entry point for gunicorn and uvicorn: ``uvicorn main:app``."""

import gc
import sys

from focys.app import create_app
from focys.settings import SettingsError

try:
    app = create_app()
except SettingsError as refusal:
    # 3 is the exit code that gunicorn and uvicorn use if they cannot start.
    sys.stderr.write(f"{refusal}\n")
    sys.exit(3)

# Objects created at startup live forever, so freeze them: a full garbage collection that traversed them would stall a
# worker for longer than fifty requests take. Requests leave almost no garbage, but with the default threshold of 700
# objects the collector would run on most of them.
gc.collect()
gc.freeze()
gc.set_threshold(10_000)
