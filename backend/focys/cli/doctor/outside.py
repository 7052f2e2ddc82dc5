"""What only others can say: a time server, who signed the certificate, the service behind its public address."""

import asyncio
import secrets
import shutil
import socket
import ssl
import struct
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx

from focys.cli.doctor.finding import Finding, fail, ok, warn
from focys.cli.doctor.timing import FAR_SECONDS, MEND_CLOCK, NOTICEABLE_SECONDS
from focys.features.audit import find_source
from focys.infra.db.database import Database
from focys.infra.ops.clock import SystemClock
from focys.settings import Settings

CONNECT_SECONDS = 3
PROBE_SECONDS = 10
NTP_SECONDS = 2
FEW_DAYS = 20
"""certbot renews thirty days before the end, so less means that it does not."""

CLAIMED = "192.0.2.123"
"""An address nobody has (RFC 5737), which the probe claims to come from."""

_NTP_PORT = 123
_SINCE_1900 = 2_208_988_800
# First byte and stratum; then, in an answer, what the question ended with, when it came, and when it was answered.
_NTP = struct.Struct("!BB22x8s8s8s")
_VERSION_4, _MODES, _CLIENT, _SERVER = 4 << 3, 7, 3, 4
_STRATA = range(1, 16)
_RENEW = "certbot renew && systemctl reload nginx"


async def check_certificate(settings: Settings, now: datetime) -> Finding:
    """Meet PUBLIC_URL as a browser would, and read how long its certificate is good for."""
    name, parts = "certificate", urlsplit(settings.public_url)
    host = str(parts.hostname)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(
                host, parts.port or 443, ssl=ssl.create_default_context(), server_hostname=host
            )
    except ssl.SSLCertVerificationError as fault:
        return fail(name, f"browsers refuse it: {fault.verify_message}", _RENEW)
    except ssl.SSLError as fault:
        return fail(name, f"no TLS at the public address ({fault.reason})", "see whether nginx serves TLS there")
    except OSError as fault:
        detail = f"the public address cannot be reached from this machine ({type(fault).__name__})"
        return warn(name, detail, "systemctl status nginx, and look from another machine")
    ends = writer.get_extra_info("peercert")["notAfter"]
    writer.close()
    return judge_certificate(datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) - now)


def judge_certificate(left: timedelta) -> Finding:
    """Say whether the certificate is renewed in time."""
    name, detail = "certificate", f"good for {left.days} days more"
    return ok(name, detail) if left.days >= FEW_DAYS else warn(name, detail, _RENEW)


async def check_time(server: str | None) -> Finding:
    """Compare this machine with a time server, or else ask it whether it does so itself."""
    if server is None:
        return judge_synchronised(await _synchronised())
    host, _, port = server.partition(":") if server.count(":") == 1 else (server, "", "")
    try:
        return judge_time(await asyncio.to_thread(_ask_time, host, int(port or _NTP_PORT)))
    except (OSError, ValueError) as fault:
        return warn("time", f"the time server gives no answer ({type(fault).__name__})", "focys doctor --ntp HOST")


def judge_time(ahead: float) -> Finding:
    """Say how far this machine is from the true time."""
    name = "time"
    if abs(ahead) <= NOTICEABLE_SECONDS:
        return ok(name, f"this machine is within {NOTICEABLE_SECONDS} s of the time server")
    detail = f"this machine is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the time server"
    return (fail if abs(ahead) >= FAR_SECONDS else warn)(name, detail, MEND_CLOCK)


def judge_synchronised(synchronised: bool | None) -> Finding:
    """Say whether this machine follows a time server."""
    if synchronised is None:
        return ok(
            "time", "this machine does not say whether it follows a time server; focys doctor --ntp HOST asks one"
        )
    if synchronised:
        return ok("time", "this machine follows a time server")
    return warn("time", "this machine follows no time server", MEND_CLOCK)


async def check_forwarding(settings: Settings, database: Database, now: datetime) -> Finding:
    """Sign in wrongly as nobody through PUBLIC_URL, claim an address, and read in the audit which one was counted."""
    name = "forwarding"
    claims = {"X-Forwarded-For": CLAIMED, "X-Real-IP": CLAIMED, "Forwarded": f"for={CLAIMED}"}
    nobody = {"email": f"doctor-{secrets.token_hex(8)}@example.com", "password": secrets.token_urlsafe(16)}
    try:
        async with httpx.AsyncClient(timeout=PROBE_SECONDS, headers=claims) as client:
            answer = await client.post(f"{settings.public_url}/api/auth/login", json=nobody)
    except (httpx.HTTPError, OSError) as fault:
        detail = f"the public address cannot be reached from this machine ({type(fault).__name__})"
        return warn(name, detail, "focys doctor --probe, on a machine that reaches it")
    request_id = answer.headers.get("X-Request-ID", "")
    source = await find_source(database, request_id, now - timedelta(minutes=1)) if request_id else None
    return judge_forwarding(answer.status_code, source)


def judge_forwarding(status: int, source: str | None) -> Finding:
    """Say whether a client can choose the address it is counted by."""
    name = "forwarding"
    if source == CLAIMED:
        mend = "let the proxy overwrite X-Forwarded-For, as deploy/nginx/focys.conf does"
        return fail(name, "a client can choose its own address, and with it escape every limit", mend)
    if source is None:
        mend = "see that the public address leads to this service, with this database"
        return warn(name, f"the public address answers {status}, and the audit here does not know of it", mend)
    return ok(name, "what a client says of its own address is not believed", aside=f"this call came from {source}")


async def _synchronised() -> bool | None:
    program = shutil.which("timedatectl")
    if program is None:
        return None
    process = await asyncio.create_subprocess_exec(
        program,
        "show",
        "--property=NTPSynchronized",
        "--value",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        told, _ = await asyncio.wait_for(process.communicate(), CONNECT_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return {b"yes": True, b"no": False}.get(told.strip())


def _ask_time(host: str, port: int) -> float:
    """Return how many seconds this machine is ahead, by one question as RFC 4330 has it."""
    clock = SystemClock()
    [*_, (family, kind, protocol, _, address)] = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    with socket.socket(family, kind, protocol) as connection:
        connection.settimeout(NTP_SECONDS)
        connection.connect(address)
        mark = secrets.token_bytes(8)
        asked = clock.now().timestamp()
        connection.send(_NTP.pack(_VERSION_4 | _CLIENT, 0, bytes(8), bytes(8), mark))
        answer = connection.recv(512)
        heard = clock.now().timestamp()
    mode, stratum, returned, received, sent = _NTP.unpack(answer[: _NTP.size].ljust(_NTP.size, b"\0"))
    if mode & _MODES != _SERVER or stratum not in _STRATA or returned != mark:
        raise ValueError("no usable answer")
    return ((asked - _seconds(received)) + (heard - _seconds(sent))) / 2


def _seconds(stamp: bytes) -> float:
    return int.from_bytes(stamp, "big") / 2**32 - _SINCE_1900
