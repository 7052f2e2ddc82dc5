"""The API as gunicorn and uvicorn find it: ``uvicorn main:app``."""

import gc
import sys

from focys.app import create_app
from focys.settings import SettingsError

try:
    app = create_app()
except SettingsError as refusal:
    # One sentence for each setting, and what both of them end with where they cannot start.
    sys.stderr.write(f"{refusal}\n")
    sys.exit(3)

# What the start has built stays, and a request leaves next to nothing behind. A collector that goes through all of it
# halts a worker for longer than fifty requests take; one that looks after every 700 objects does so at most requests.
gc.collect()
gc.freeze()
gc.set_threshold(10_000)
