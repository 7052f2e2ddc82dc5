"""The running service, asked on this machine: a unit that is confined lets nobody look at its processes."""

import asyncio

import httpx
from prometheus_client.parser import text_string_to_metric_families

from focys.cli.doctor.finding import Finding, ok, warn

SERVICE = "http://127.0.0.1:8000"
ANSWER_SECONDS = 5
MOST_BYTES = 4 * 1024 * 1024
# At its own root, or beside the pages of ``focys serve``.
_PLACES = ("/metrics", "/api/metrics")
_NAME = "workers"


async def check_workers(service: str, *, is_local: bool) -> Finding:
    """Ask the service how many processes serve."""
    try:
        # Whoever listens there may be somebody else's program.
        async with asyncio.timeout(ANSWER_SECONDS), httpx.AsyncClient(trust_env=False) as client:
            for place in _PLACES:
                if (serving := await _serving(client, f"{service}{place}")) is not None:
                    return ok(_NAME, "1 serves" if serving == 1 else f"{serving} serve, and /metrics adds them up")
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as fault:
        if is_local:
            return ok(_NAME, "none that answers", aside=service)
        detail = f"the service does not answer on this machine ({type(fault).__name__})"
        return warn(_NAME, detail, "systemctl status focys-backend; or focys doctor --service URL", aside=service)
    detail = "what answers on this machine is not this service"
    return warn(_NAME, detail, "focys doctor --service URL, with the address it listens on", aside=service)


async def _serving(client: httpx.AsyncClient, url: str) -> int | None:
    """Return the number of processes in a scrape, or nothing if it is not one of ours."""
    async with client.stream("GET", url) as answer:
        if not answer.is_success or not answer.headers.get("content-type", "").startswith("text/plain"):
            return None
        told = b""
        async for piece in answer.aiter_bytes():
            told += piece
            if len(told) > MOST_BYTES:
                return None
    try:
        families = list(text_string_to_metric_families(told.decode()))
        values = [sample.value for family in families if family.name == "focys_workers" for sample in family.samples]
        return int(values[0]) if values else None
    except (ValueError, OverflowError):
        return None
