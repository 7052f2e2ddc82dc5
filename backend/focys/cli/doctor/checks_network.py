"""Other machines and services: SMTP, Redis, a time server, PUBLIC_URL, and the running service itself."""

import asyncio
import secrets
import shutil
import ssl
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from redis.exceptions import RedisError

from focys.cli.doctor.checks_database import FIX_CLOCK
from focys.cli.doctor.report import Finding, fail, ok, warn
from focys.features.audit import find_source
from focys.infra.db.database import Database
from focys.infra.mail.mailer import ConsoleMailer, Mailer, MailError, Message, SmtpMailer, mailer_for
from focys.settings import Settings

CONNECT_SECONDS = 3
PROBE_SECONDS = 10
REDIS_SECONDS = 1
RESPONSE_SECONDS = 5
FEW_DAYS = 20
"""certbot renews thirty days before expiry, so less means that it does not."""

CLAIMED = "192.0.2.123"
"""An address nobody has (RFC 5737), which the probe claims to come from."""

SERVICE = "http://127.0.0.1:8000"
MAX_BYTES = 4 * 1024 * 1024

_FIX_MAIL = "check SMTP_HOST, SMTP_PORT, SMTP_USER, SMTP_PASSWORD and SMTP_SECURITY"
_RENEW = "certbot renew && systemctl reload nginx"
# At its own root, or beside the pages of ``focys serve``.
_METRICS = ("/metrics", "/api/metrics")


def open_mailer(settings: Settings) -> Mailer | Finding:
    """Return the mailer that the service would use, or why there is none."""
    try:
        return mailer_for(settings)
    except OSError as fault:
        return fail("mail", f"the CA file cannot be read ({type(fault).__name__})", "check SMTP_CA_FILE")


async def check_mail(mailer: Mailer, settings: Settings) -> Finding:
    """Connect and log in as the service does, without sending anything."""
    name = "mail"
    if not isinstance(mailer, SmtpMailer):
        if settings.is_local:
            return ok(name, "codes go to the console")
        return warn(name, "codes go to the console, where anyone who reads it can sign in", "set SMTP_HOST")
    try:
        await mailer.check()
    except MailError as fault:
        return fail(name, f"SMTP login failed ({fault})", _FIX_MAIL, aside=_printable(fault.answer))
    if settings.smtp_security == "none":
        return warn(name, "SMTP works, without TLS", "set SMTP_SECURITY=starttls")
    return ok(name, "SMTP login works (TLS)")


async def check_test_email(mailer: Mailer, settings: Settings, to: str, now: datetime) -> Finding:
    """Send a test email the way all email is sent."""
    name = "test email"
    message = Message(
        subject=f"Test email from {settings.app_name}",
        paragraphs=(
            "This message shows that email from the sign-in service arrives.",
            "No action is needed.",
        ),
        console="Test email: email goes to this console.",
    )
    try:
        await mailer.send(to, message, now)
    except MailError as fault:
        return fail(name, f"refused ({fault})", _FIX_MAIL, aside=_printable(fault.answer))
    if isinstance(mailer, ConsoleMailer):
        return warn(name, "printed on this console; no SMTP server is configured", "set SMTP_HOST")
    return ok(name, "accepted by the SMTP server; check that it arrives, and not as spam", aside=_printable(to))


async def check_limits(settings: Settings) -> Finding:
    """Ping Redis, if limits per network are counted there."""
    name, storage = "limits", settings.rate_limit_storage
    if storage == "database":
        return ok(name, "counted in the database, shared by all workers")
    if storage.startswith("memory://"):
        detail = "each worker counts separately, so limits per network grow with the number of workers"
        return ok(name, "counted in memory") if settings.is_local else warn(name, detail, "RATE_LIMIT_STORAGE=database")
    try:
        redis = Redis.from_url(storage)
    except ValueError:
        return fail(name, "the Redis URL is not valid", "set RATE_LIMIT_STORAGE=redis://host:6379/0")
    try:
        async with asyncio.timeout(REDIS_SECONDS):
            await redis.ping()
    except (RedisError, OSError) as fault:
        detail = f"no response from Redis ({type(fault).__name__}); counted in the database meanwhile"
        return warn(name, detail, "systemctl status valkey redis-server, and check RATE_LIMIT_STORAGE")
    finally:
        await redis.aclose()
    return ok(name, "Redis responds; limits per account stay in the database")


async def check_certificate(settings: Settings, now: datetime) -> Finding:
    """Connect to PUBLIC_URL as a browser would, and read when its certificate expires."""
    name, parts = "certificate", urlsplit(settings.public_url)
    host = str(parts.hostname)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(
                host, parts.port or 443, ssl=ssl.create_default_context(), server_hostname=host
            )
    except ssl.SSLCertVerificationError as fault:
        return fail(name, f"browsers reject it: {fault.verify_message}", _RENEW)
    except ssl.SSLError as fault:
        return fail(name, f"no TLS at the public address ({fault.reason})", "check that nginx serves TLS there")
    except OSError as fault:
        detail = f"the public address cannot be reached from this machine ({type(fault).__name__})"
        return warn(name, detail, "systemctl status nginx, and try from another machine")
    ends = writer.get_extra_info("peercert")["notAfter"]
    writer.close()
    return certificate_finding(datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) - now)


def certificate_finding(left: timedelta) -> Finding:
    """Report whether the certificate is renewed in time."""
    name, detail = "certificate", f"valid for {left.days} more days"
    return ok(name, detail) if left.days >= FEW_DAYS else warn(name, detail, _RENEW)


async def check_time() -> Finding:
    """Ask this machine whether its clock is synchronized."""
    return synchronized_finding(await _is_synchronized())


def synchronized_finding(synchronized: bool | None) -> Finding:
    """Report whether this machine's clock is synchronized."""
    if synchronized is None:
        return ok("time", "unknown whether this machine is synchronized; there is no timedatectl")
    if synchronized:
        return ok("time", "this machine is synchronized")
    return warn("time", "this machine is not synchronized", FIX_CLOCK)


async def check_forwarding(settings: Settings, database: Database, now: datetime) -> Finding:
    """Fail a sign-in through PUBLIC_URL with a forged address, and read in the audit which one was counted."""
    name = "forwarding"
    claims = {"X-Forwarded-For": CLAIMED, "X-Real-IP": CLAIMED, "Forwarded": f"for={CLAIMED}"}
    nobody = {"email": f"doctor-{secrets.token_hex(8)}@example.com", "password": secrets.token_urlsafe(16)}
    try:
        async with httpx.AsyncClient(timeout=PROBE_SECONDS, headers=claims) as client:
            response = await client.post(f"{settings.public_url}/api/auth/login", json=nobody)
    except (httpx.HTTPError, OSError) as fault:
        detail = f"the public address cannot be reached from this machine ({type(fault).__name__})"
        return warn(name, detail, "focys doctor --probe, on a machine that reaches it")
    request_id = response.headers.get("X-Request-ID", "")
    source = await find_source(database, request_id, now - timedelta(minutes=1)) if request_id else None
    return forwarding_finding(response.status_code, source)


def forwarding_finding(status: int, source: str | None) -> Finding:
    """Report whether a client can choose the address it is counted by."""
    name = "forwarding"
    if source == CLAIMED:
        fix = "make the proxy overwrite X-Forwarded-For, as deploy/nginx/focys.conf does"
        return fail(name, "a client can choose its own address, and so escape every limit", fix)
    if source is None:
        fix = "check that the public address leads to this service, with this database"
        return warn(name, f"the public address responds with {status}, but the audit here has no record of it", fix)
    return ok(name, "a forged client address is ignored", aside=f"this call came from {source}")


async def check_workers(service: str, *, is_local: bool) -> Finding:
    """Ask the running service how many workers it has."""
    name = "workers"
    try:
        # Another program may be listening there.
        async with asyncio.timeout(RESPONSE_SECONDS), httpx.AsyncClient(trust_env=False) as client:
            for place in _METRICS:
                if (running := await _workers_in(client, f"{service}{place}")) is not None:
                    return ok(name, "1 running" if running == 1 else f"{running} running, and /metrics adds them up")
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as fault:
        if is_local:
            return ok(name, "none running", aside=service)
        detail = f"the service does not respond on this machine ({type(fault).__name__})"
        return warn(name, detail, "systemctl status focys-backend; or focys doctor --service URL", aside=service)
    detail = "another program responds on this machine, not this service"
    return warn(name, detail, "focys doctor --service URL, with the address it listens on", aside=service)


async def _is_synchronized() -> bool | None:
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
        output, _ = await asyncio.wait_for(process.communicate(), CONNECT_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return {b"yes": True, b"no": False}.get(output.strip())


async def _workers_in(client: httpx.AsyncClient, url: str) -> int | None:
    """Return the number of workers in our metrics, or None if the response is not ours."""
    async with client.stream("GET", url) as response:
        if not response.is_success or not response.headers.get("content-type", "").startswith("text/plain"):
            return None
        body = b""
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MAX_BYTES:
                return None
    try:
        families = list(text_string_to_metric_families(body.decode()))
        values = [sample.value for family in families if family.name == "focys_workers" for sample in family.samples]
        return int(values[0]) if values else None
    except (ValueError, OverflowError):
        return None


def _printable(text: str) -> str:
    """Return one line without control characters: another server wrote it."""
    return "".join(c if c.isprintable() else " " for c in text)[:300]
