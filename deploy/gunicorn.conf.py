"""What gunicorn needs beside its command line: a worker that is gone stops counting in the metrics."""

import os
from typing import Any


def child_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401  gunicorn's own objects
    """Take a worker's gauges out of the sum."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess  # noqa: PLC0415  only the workers need the rest of it

        multiprocess.mark_process_dead(worker.pid)
