"""The metrics for Prometheus. Label values are fixed words: no address, no id, nothing a caller typed.

With PROMETHEUS_MULTIPROC_DIR set, the numbers of all workers are added up (see gunicorn.conf.py). What the
alerts look at is there from the start, as a zero: Prometheus sees no growth in a series that begins with its first
event. What only the database knows is written by ``features/watching``; the newest reading of any worker counts.
"""

from typing import Literal

from fastapi import APIRouter
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
from starlette.responses import Response

NEWEST: Literal["livemostrecent"] = "livemostrecent"

BUILD_INFO = Gauge("focys_build_info", "Always 1; the label says what runs.", ["version"], multiprocess_mode="livemax")
WORKERS = Gauge("focys_workers", "Processes that serve.", multiprocess_mode="livesum")
WORKER_START = Gauge(
    "focys_worker_start_time_seconds", "When the youngest process began to serve.", multiprocess_mode="livemax"
)
EVENTS = Counter(
    "focys_events", "Steps of sign-ins, sessions and accounts, as audited.", ["event", "outcome", "reason"]
)
ALARMS = Counter("focys_alarms", "What somebody should look at, each of them.", ["alarm"])
LOCKOUTS = Counter("focys_lockouts", "Locks by the rung that was reached: 5, 10, guarded.", ["rung"])
THROTTLED = Counter("focys_throttled", "Tries refused by a limit.", ["limit"])
TOTP_OFFSET = Histogram(
    "focys_totp_offset_seconds",
    "How far phones are ahead of us, by the 30 s steps of good codes.",
    buckets=(-30, 0, 30),
)
QR_SECONDS = Histogram(
    "focys_qr_seconds", "Drawing a QR code.", buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
)
QR_FAULTS = Counter("focys_qr_faults", "QR codes that could not be drawn.")
MAILS = Counter("focys_mails", "Letters by kind and outcome.", ["letter", "outcome"])
HASH_SECONDS = Histogram(
    "focys_argon2_seconds",
    "One Argon2id, or one set of backup codes, waiting included.",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
HASHES_WAITING = Gauge("focys_argon2_waiting", "Hashes under way or waiting.", multiprocess_mode="livesum")
HASHES_REFUSED = Counter("focys_argon2_refused", "Hashes refused because too many were waiting.")
DATABASE_CONNECTIONS = Gauge("focys_database_connections", "Connections in use.", multiprocess_mode="livesum")
DATABASE_POOL = Gauge("focys_database_pool_size", "Connections there may be.", multiprocess_mode="livesum")
DATABASE_UP = Gauge("focys_database_up", "Whether the database answered a moment ago.", multiprocess_mode=NEWEST)
READY = Gauge(
    "focys_ready", "Whether each part that a sign-in stands on is as it must be.", ["part"], multiprocess_mode=NEWEST
)
DATABASE_FAULTS = Counter(
    "focys_database_faults", "Requests that failed because the database did not answer.", ["kind"]
)
CLOCK_OFFSET = Gauge(
    "focys_clock_offset_seconds", "How far this machine is ahead of the database.", multiprocess_mode=NEWEST
)
MAILS_WAITING = Gauge("focys_mails_waiting", "Letters that should have left by now.", multiprocess_mode=NEWEST)
MFA_RESETS = Gauge(
    "focys_mfa_resets_last_hour", "Second factors that administrators removed.", multiprocess_mode=NEWEST
)
MFA_BYPASS = Gauge(
    "focys_mfa_bypass_remaining_seconds",
    "How long the second step is still passed by, for everybody or for somebody named.",
    ["whom"],
    multiprocess_mode=NEWEST,
)
SHARED_ADDRESS = Gauge(
    "focys_shared_address_people",
    "People of the last day who all seem to come from one inner address, as behind a proxy that is not trusted.",
    multiprocess_mode=NEWEST,
)
SPRAY_ACCOUNTS = Gauge(
    "focys_spray_accounts",
    "Most accounts with a wrong password in the last hour from one IPv4 /24 or IPv6 /48, own networks left out.",
    multiprocess_mode=NEWEST,
)
REQUEST_SECONDS = Histogram(
    "focys_request_seconds",
    "Requests by route.",
    ["method", "route", "status"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)


def begin_serving(version: str) -> None:
    """Say which version this process runs, and since when."""
    BUILD_INFO.labels(version).set(1)
    WORKERS.set(1)
    WORKER_START.set_to_current_time()


def build_router(*, of_all_workers: bool) -> APIRouter:
    """Return the call that Prometheus scrapes: this process' numbers, or those of all workers added up."""
    router = APIRouter(tags=["metrics"])

    @router.get("/metrics", response_class=Response)
    async def read_metrics() -> Response:
        """Say all numbers, in Prometheus' text format."""
        return Response(generate_latest(_registry(of_all_workers=of_all_workers)), media_type=CONTENT_TYPE_LATEST)

    return router


def _registry(*, of_all_workers: bool) -> CollectorRegistry:
    if not of_all_workers:
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
