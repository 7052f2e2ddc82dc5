"""Benchmarks: what FOCYS does, measured beside the bare parts it is made of. See README.md."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BACKEND = ROOT / "backend"

# The database server is the one the backend's tests start.
if str(BACKEND) not in sys.path:
    sys.path.insert(0, str(BACKEND))
