"""Redis, and PUBLIC_URL as a visitor's browser sees it."""

import asyncio
import re
import secrets
import socket
import ssl
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from focys.cli.doctor.checks_database import RESTART as _RESTART
from focys.cli.doctor.report import Finding, fail, ok, warn
from focys.features.audit import find_source
from focys.infra.db.database import Database
from focys.settings import Settings

CONNECT_SECONDS = 3
PROBE_SECONDS = 10
REDIS_SECONDS = 1
FEW_DAYS = 20
"""certbot renews thirty days before expiry, so less means that it does not."""

CLAIMED = "192.0.2.123"
"""An address nobody has (RFC 5737), which the probe claims to come from."""

_SCRIPT = re.compile(r'<script[^>]* src="(/assets/[^"]+)"')
_EXPIRED, _OTHER_NAME = 10, 62
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_HOSTNAME_MISMATCH."""

_FIX_PUBLIC_URL = "set PUBLIC_URL to the address that people enter, and make it lead to this machine"
_IN_SITE = "in nginx's site, as in deploy/nginx/focys.conf; then: systemctl reload nginx"
_READABLE = "chmod -R a+rX /app/frontend/dist"
_RENEW = "certbot renew && systemctl reload nginx"
_RESTART_NGINX = "systemctl restart nginx"


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
        return warn(name, detail, "start it, correct RATE_LIMIT_STORAGE, or set RATE_LIMIT_STORAGE=database")
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
        return fail(name, f"browsers reject it: {fault.verify_message}", _certificate_fix(fault.verify_code, host))
    except (ssl.SSLError, ConnectionResetError) as fault:
        fix = f"check the lines `listen … ssl` and `server_name {host}` in nginx's site, then: {_RESTART_NGINX}"
        cause = getattr(fault, "reason", type(fault).__name__)
        return fail(name, f"no TLS for this name at the public address ({cause})", fix)
    except OSError as fault:
        return unreachable(name, fault)
    ends = writer.get_extra_info("peercert")["notAfter"]
    writer.close()
    return certificate_finding(datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) - now)


def unreachable(name: str, fault: Exception) -> Finding:
    """Report a public address that cannot be reached. If only a router hides it, that is a warning."""
    detail = f"the public address cannot be reached from this machine ({type(fault).__name__})"
    if isinstance(fault, TimeoutError | httpx.TimeoutException):
        return warn(name, detail, "try from another machine; if it fails there, too: open port 443 in the firewall")
    if isinstance(fault, socket.gaierror):
        return fail(name, detail, "correct the host in PUBLIC_URL, or add it to the DNS")
    return fail(name, detail, f"{_RESTART_NGINX}; if that changes nothing, enable its site and open port 443")


def _certificate_fix(cause: int, host: str) -> str:
    if cause == _EXPIRED:
        return _RENEW
    if cause == _OTHER_NAME:
        return (
            f"certbot certonly --nginx --non-interactive --renew-with-new-domains --cert-name {host} -d {host}"
            " && systemctl reload nginx"
        )
    return (
        "in nginx's site, set ssl_certificate to the fullchain.pem of a known authority, then: systemctl reload nginx"
    )


def certificate_finding(left: timedelta) -> Finding:
    """Report whether the certificate is renewed in time."""
    name, detail = "certificate", f"valid for {left.days} more days"
    return ok(name, detail) if left.days >= FEW_DAYS else warn(name, detail, _RENEW)


async def check_public(settings: Settings) -> list[Finding]:
    """Ask PUBLIC_URL for the page and for the API, as a visitor's browser would.

    Readiness is for this machine only, so the service itself is asked for it (``check_service``).
    """
    try:
        async with public_client() as client:
            page = await client.get(settings.public_url)
            script = _SCRIPT.search(page.text) if page.is_success else None
            asset = await client.get(f"{settings.public_url}{script[1]}") if script else None
            api = await client.get(f"{settings.public_url}/api/auth/status")
            numbers = await client.get(f"{settings.public_url}/api/metrics")
    except (httpx.HTTPError, OSError) as fault:
        return [unreachable("public page", _cause_of(fault))]
    found = [page_finding(page, asset), api_finding(api)]
    return [*found, _open_metrics()] if numbers.text.startswith("# HELP ") else found


def public_client(**headers: str) -> httpx.AsyncClient:
    """Return a client that trusts whom this system trusts, and SSL_CERT_FILE."""
    context = ssl.create_default_context()
    return httpx.AsyncClient(timeout=PROBE_SECONDS, verify=context, trust_env=False, headers=headers)


def page_finding(page: httpx.Response, script: httpx.Response | None) -> Finding:
    """Report whether a browser gets the page and its script."""
    name = "public page"
    if script is not None and script.is_success:
        return ok(name, "the page and its script are served")
    if page.is_success and script is None:
        return fail(name, "another page is served at the public address", _FIX_PUBLIC_URL)
    code = page.status_code if script is None else script.status_code
    fix = f"{_READABLE}; if the pages are not built, build them: docs/DEPLOYMENT.md, Pages"
    return fail(name, f"the page or its script is not served ({code})", fix)


def api_finding(response: httpx.Response) -> Finding:
    """Report whether the API behind the public address is ours."""
    name, code = "public api", _code_in(response)
    if response.is_success and code is None and "signed_in" in response.text:
        return ok(name, "the public address leads to the API")
    if code == "unknown_host":
        return fail(name, "the proxy passes on another host name", f"proxy_set_header Host $host; {_IN_SITE}")
    if code == "unavailable":
        fix = f"{_RESTART}; if that changes nothing, server 127.0.0.1:8000; {_IN_SITE}"
        return fail(name, f"the proxy does not reach the service ({response.status_code})", fix)
    if code == "not_found" or response.is_success or _SCRIPT.search(response.text):
        fix = f"location ^~ /api/ with proxy_pass http://focys_backend/; with the slash at the end, {_IN_SITE}"
        return fail(name, "the proxy does not pass /api/ on as it should", fix)
    return fail(name, f"another program responds at the public address ({response.status_code})", _FIX_PUBLIC_URL)


def _open_metrics() -> Finding:
    return warn(
        "public metrics", "anyone can read the metrics", f"location ^~ /api/metrics with return 404; {_IN_SITE}"
    )


def _code_in(response: httpx.Response) -> str | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return str(body["code"]) if isinstance(body, dict) and "code" in body else None


def _cause_of(fault: Exception) -> Exception:
    """Return the operating system's error in one of the client's, if there is one."""
    cause: BaseException | None = fault
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    return cause if isinstance(cause, OSError) else fault


async def check_forwarding(settings: Settings, database: Database, now: datetime) -> Finding:
    """Fail a sign-in through PUBLIC_URL with a forged address, and read in the audit which one was counted."""
    name = "forwarding"
    claims = {"X-Forwarded-For": CLAIMED, "X-Real-IP": CLAIMED, "Forwarded": f"for={CLAIMED}"}
    nobody = {"email": f"doctor-{secrets.token_hex(8)}@example.com", "password": secrets.token_urlsafe(16)}
    try:
        async with public_client(**claims) as client:
            response = await client.post(f"{settings.public_url}/api/auth/login", json=nobody)
    except (httpx.HTTPError, OSError) as fault:
        return unreachable(name, _cause_of(fault))
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
