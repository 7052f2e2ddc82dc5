"""Benchmarks: FOCYS compared with minimal baselines. See README.md."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BACKEND = ROOT / "backend"

# The benchmarks use the database server from the backend's tests.
if str(BACKEND) not in sys.path:
    sys.path.insert(0, str(BACKEND))
