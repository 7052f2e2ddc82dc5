"""Checks on every request before routing: host, origin, media type, size and duration."""

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache
from time import perf_counter

from prometheus_client import Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from focys.domain.outcome import Reason, Refused
from focys.infra.ops import metrics
from focys.infra.ops.logs import REQUEST_ID, logger
from focys.infra.web.headers import Headers as EncodedHeaders
from focys.infra.web.headers import add_headers, default_headers
from focys.infra.web.origins import Origins
from focys.infra.web.replies import UNAVAILABLE_RETRY_SECONDS, refusal, where
from focys.settings import Settings

MAX_BODY_BYTES = 16 * 1024
BODY_SECONDS = 10
REQUEST_SECONDS = 15
"""Until the response begins, including reading the body; the timeouts of everything it depends on are shorter."""
_METHODS = {"GET", "HEAD", "POST", "DELETE", "OPTIONS"}
_PROBED = ("/health/", "/metrics")
"""What load balancers and uptime monitors ask for by address instead of name."""
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_BODY_HEADERS = {b"content-length", b"transfer-encoding"}

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")

_log = logger("focys.http")


def _identity(app: ASGIApp) -> ASGIApp:
    return app


class RequestGuard:
    """Checks host, origin, media type and size; adds the response headers; handles errors that nothing else handled.

    *cors* wraps an app so that pages from other origins can read its responses. Refusals sent from here are wrapped,
    too.
    """

    def __init__(self, app: ASGIApp, settings: Settings, cors: Callable[[ASGIApp], ASGIApp] = _identity) -> None:
        self._app, self._app_with_cors, self._cors = app, cors(app), cors
        self._hosts = settings.allowed_hosts
        self._origins = Origins(settings)
        self._headers = default_headers(covers_subdomains=settings.hsts_include_subdomains)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["focys.request_id"] = secrets.token_hex(16)
        outer = REQUEST_ID.set(request_id)
        response = _Response(scope, send, request_id, self._headers)
        try:
            refused = await self._serve(scope, receive, response)
            if refused is not None:
                # A refused preflight skips CORSMiddleware, which would respond 200 instead of sending our refusal.
                cors = _identity if scope["method"] == "OPTIONS" else self._cors
                await cors(refusal(refused))(scope, receive, response.send)
        finally:
            REQUEST_ID.reset(outer)

    async def _serve(self, scope: Scope, receive: Receive, response: "_Response") -> Refused | None:
        """Serve the request, or return why it is refused."""
        # If a header is repeated, the first one counts, as in the code that reads them later.
        headers = dict(reversed(scope["headers"]))
        # Without an Origin header the response needs no CORS headers.
        app = self._app_with_cors if b"origin" in headers else self._app
        has_body = scope["method"] not in _SAFE_METHODS or not headers.keys().isdisjoint(_BODY_HEADERS)
        now = asyncio.get_running_loop().time()
        try:
            refused = self._check(scope, headers)
            if refused is not None:
                return refused
            async with asyncio.timeout_at(now + (BODY_SECONDS if has_body else REQUEST_SECONDS)) as response.limit:
                if has_body:
                    receive = _replay(await _body(receive), receive)
                    response.limit.reschedule(now + REQUEST_SECONDS)
                response.request_is_read = True
                # Every GET has a HEAD (RFC 9110 section 9.3.2). The server leaves the body out.
                await app({**scope, "method": "GET"} if scope["method"] == "HEAD" else scope, receive, response.send)
        except _BodyRefusedError as fault:
            return Refused(fault.reason)
        except Exception as fault:
            if isinstance(fault, TimeoutError) and not response.request_is_read:
                return Refused(Reason.REQUEST_TIMEOUT)
            _log.error("fault", kind=type(fault).__name__, where=where(fault))
            if response.has_begun:
                raise
            if isinstance(fault, TimeoutError):
                return Refused(Reason.UNAVAILABLE, retry_after=UNAVAILABLE_RETRY_SECONDS)
            return Refused(Reason.INTERNAL)
        finally:
            response.limit = None
        return None

    def _check(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Refused | None:
        is_known = _hostname(headers.get(b"host", b"").decode("latin-1")) in self._hosts
        if not is_known and not scope["path"].removeprefix(scope.get("root_path", "")).startswith(_PROBED):
            return Refused(Reason.UNKNOWN_HOST)
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > MAX_BODY_BYTES:
            return Refused(Reason.PAYLOAD_TOO_LARGE)
        if scope["method"] in _SAFE_METHODS:
            return None
        if not self._origins.may_change(Headers(scope=scope)):
            return Refused(Reason.FORBIDDEN_ORIGIN)
        media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if media_type != b"application/json" and not (scope["method"] == "DELETE" and not media_type):
            return Refused(Reason.UNSUPPORTED_MEDIA_TYPE)
        return None


class _Response:
    """Sends the response to one request with our headers, and measures the time it took.

    ``limit`` is the deadline for the response to begin, if there is one; sending it may take longer.
    """

    def __init__(self, scope: Scope, send: Send, request_id: str, headers: EncodedHeaders) -> None:
        self._scope, self._send, self._request_id, self._headers = scope, send, request_id, headers
        self._began = perf_counter()
        self.limit: asyncio.Timeout | None = None
        self.has_begun = self.request_is_read = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            if self.limit is not None and not self.limit.expired():
                self.limit.reschedule(None)
            add_headers(message, self._request_id, self._headers)
            if not self.request_is_read:
                # Otherwise the unread rest of the body could keep the connection open indefinitely.
                message["headers"].append((b"connection", b"close"))
            _measure(self._scope, message["status"], perf_counter() - self._began)
        await self._send(message)


class _BodyRefusedError(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a receiver that replays a body already read, then passes on later messages."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _body(receive: Receive) -> bytes:
    """Read a body of text, up to the size limit."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _BodyRefusedError(Reason.PAYLOAD_TOO_LARGE)
        if not message.get("more_body"):
            break
    if not _is_utf8(body):
        raise _BodyRefusedError(Reason.INVALID_REQUEST)
    return body


def _is_utf8(body: bytes) -> bool:
    """Return whether a body is UTF-8, as JSON must be (RFC 8259 section 8.1). Python would read UTF-16 and UTF-32."""
    try:
        return "\0" not in body.decode()
    except UnicodeDecodeError:
        return False


def _measure(scope: Scope, status: int, seconds: float) -> None:
    # The route's pattern, never the path: user input must not become a label.
    route = getattr(scope.get("route"), "path", "other")
    method = scope["method"] if scope["method"] in _METHODS else "other"
    _seconds_of(method, route, status).observe(seconds)


# Cached because looking up the labels takes longer than counting.
@lru_cache(maxsize=1024)
def _seconds_of(method: str, route: str, status: int) -> Histogram:
    return metrics.REQUEST_SECONDS.labels(method, route, str(status))


@lru_cache(maxsize=64)
def _hostname(host: str) -> str:
    """Return the host name in a Host header without the port, or "" if it is malformed (RFC 9110 section 7.2)."""
    found = _HOST.fullmatch(host)
    return found["name"].strip("[]").rstrip(".").lower() if found else ""
