"""Prometheus metrics. Label values are fixed words: no addresses, no IDs, no user input.

With PROMETHEUS_MULTIPROC_DIR set, the workers' numbers are added up (see gunicorn.conf.py). Series used in alerts are
created at startup with the value zero, because Prometheus cannot see an increase in a series that begins with its first
event. Features read gauges from the database (``gauges.py``); the most recent value from any worker counts.
"""

import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

NEWEST: Literal["livemostrecent"] = "livemostrecent"

BUILD_INFO = Gauge("focys_build_info", "Always 1; the label is the version.", ["version"], multiprocess_mode="livemax")
WORKERS = Gauge("focys_workers", "Worker processes.", multiprocess_mode="livesum")
WORKER_START = Gauge(
    "focys_worker_start_time_seconds", "When the newest worker started serving.", multiprocess_mode="livemax"
)
LOCKOUTS = Counter("focys_lockouts", "Account locks by threshold reached: 5, 10, guarded.", ["rung"])
THROTTLED = Counter("focys_throttled", "Requests refused by a rate limit.", ["limit"])
TOTP_OFFSET = Histogram(
    "focys_totp_offset_seconds",
    "How far users' phones are ahead of the server, by the 30 s steps of accepted codes.",
    buckets=(-30, 0, 30),
)
QR_SECONDS = Histogram(
    "focys_qr_seconds", "Time to draw a QR code.", buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
)
QR_FAULTS = Counter("focys_qr_faults", "QR codes that could not be drawn.")
MAILS = Counter("focys_mails", "Emails by kind and outcome.", ["kind", "outcome"])
HASH_SECONDS = Histogram(
    "focys_argon2_seconds",
    "Time to compute one Argon2id hash or one set of backup codes, including waiting.",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
HASHES_WAITING = Gauge("focys_argon2_waiting", "Hashes in progress or waiting.", multiprocess_mode="livesum")
HASHES_REFUSED = Counter("focys_argon2_refused", "Hashes refused because too many were waiting.")
DATABASE_CONNECTIONS = Gauge("focys_database_connections", "Connections in use.", multiprocess_mode="livesum")
DATABASE_POOL = Gauge("focys_database_pool_size", "Maximum number of connections.", multiprocess_mode="livesum")
DATABASE_UP = Gauge("focys_database_up", "Whether the database responded at the last check.", multiprocess_mode=NEWEST)
READY = Gauge(
    "focys_ready", "Whether each part that sign-ins depend on is working.", ["part"], multiprocess_mode=NEWEST
)
DATABASE_FAULTS = Counter(
    "focys_database_faults", "Requests that failed because the database did not respond.", ["kind"]
)
LOG_LINES_DROPPED = Counter("focys_log_lines_dropped", "Log lines dropped because nobody read standard error.")
CLOCK_OFFSET = Gauge(
    "focys_clock_offset_seconds", "How far this machine is ahead of the database.", multiprocess_mode=NEWEST
)
MAILS_WAITING = Gauge("focys_mails_waiting", "Emails that are due but not yet sent.", multiprocess_mode=NEWEST)
MFA_RESETS = Gauge("focys_mfa_resets_last_hour", "Second factors removed by administrators.", multiprocess_mode=NEWEST)
MFA_BYPASS = Gauge(
    "focys_mfa_bypass_remaining_seconds",
    "Time until the second-factor bypass ends, for everyone or for named users.",
    ["whom"],
    multiprocess_mode=NEWEST,
)
SHARED_ADDRESS = Gauge(
    "focys_shared_address_people",
    "Users of the last day who all seem to come from one private address, as behind a proxy that is not trusted.",
    multiprocess_mode=NEWEST,
)
SPRAY_ACCOUNTS = Gauge(
    "focys_spray_accounts",
    "Most accounts with a wrong password in the last hour from one IPv4 /24 or IPv6 /48, excluding own networks.",
    multiprocess_mode=NEWEST,
)
REQUEST_SECONDS = Histogram(
    "focys_request_seconds",
    "Requests by route.",
    ["method", "route", "status"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)


def begin_serving(version: str) -> None:
    """Record this process's version and start time."""
    BUILD_INFO.labels(version).set(1)
    WORKERS.set(1)
    WORKER_START.set_to_current_time()


router = APIRouter(tags=["metrics"])


async def _registry(request: Request) -> CollectorRegistry:
    """Return the registry of this process, or of all workers."""
    folder: Path | None = request.app.state.metrics_folder
    if folder is None:
        return REGISTRY
    registry = CollectorRegistry()
    registry.register(Workers(folder))
    return registry


class Workers(Collector):
    """The numbers of all workers, added up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = multiprocess.MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterator[Metric]:
        """Read the files while none of them is being added to another (see gunicorn.conf.py)."""
        with (self._folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield from self._files.collect()  # type: ignore[no-untyped-call]


@router.get("/metrics", response_class=Response)
async def read_metrics(registry: Annotated[CollectorRegistry, Depends(_registry)]) -> Response:
    """Return all metrics in Prometheus's text format."""
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
