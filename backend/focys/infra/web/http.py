"""The edge of the service: what every request must satisfy and every answer carries, before a router is asked."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from time import perf_counter
from typing import Any

from prometheus_client import Histogram
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from focys.domain.outcome import Reason, Refused
from focys.infra.ops import metrics
from focys.infra.ops.logs import REQUEST_ID, logger
from focys.infra.web.client_address import client_address, source_of
from focys.infra.web.origins import Origins
from focys.infra.web.replies import UNAVAILABLE_RETRY_SECONDS, refusal, where
from focys.infra.web.visitor import Visitor
from focys.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 16 * 1024
BODY_SECONDS = 10
REQUEST_SECONDS = 15
"""Until the answer begins, body included; what it stands on gives up sooner."""
MAX_AGENT_LENGTH = 200
_METHODS = {"GET", "HEAD", "POST", "DELETE", "OPTIONS"}
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_BODY_HEADERS = {b"content-length", b"transfer-encoding"}

SECURITY_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; require-trusted-types-for 'script'"
)

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")

# As they go over the wire, so that nothing has to be encoded for each answer.
_ALWAYS = [
    (name.lower().encode(), value.encode())
    for name, value in {
        **SECURITY_HEADERS,
        "Cache-Control": "no-store",
        "Content-Security-Policy": API_POLICY,
    }.items()
]

_log = logger("focys.http")


class Cookies:
    """Names and attributes of our cookies: ``__Host-`` and Secure everywhere but on http://localhost."""

    def __init__(self, *, secure: bool) -> None:
        self._attributes = "Path=/; HttpOnly; SameSite=strict" + ("; Secure" if secure else "")
        prefix = "__Host-" if secure else ""
        self.login, self.browser, self.refresh = (f"{prefix}focys_{kind}" for kind in ("login", "browser", "refresh"))

    def set(self, response: Response, name: str, value: str, seconds: int) -> None:
        """Give the browser a cookie for so many seconds."""
        # Our values are base64url, which needs no quoting; the standard library looks into that for 20 microseconds.
        response.headers.append("Set-Cookie", f"{name}={value}; Max-Age={seconds}; {self._attributes}")

    def clear(self, response: Response, name: str) -> None:
        """Take a cookie back."""
        self.set(response, name, "", 0)


class Visitors:
    """Reads from a request who is calling; a dependency of the routers."""

    def __init__(self, settings: Settings, cookies: Cookies) -> None:
        self._trusted, self._hops, self._cookies = settings.trusted_proxies, settings.trusted_proxy_hops, cookies

    async def __call__(self, request: Request) -> Visitor:
        """Return the visitor behind *request*; a coroutine, or FastAPI would take it to another thread and back."""
        address = client_address(
            request.client,
            # Lines of one name are one list (RFC 9110 section 5.3); a proxy may add a line instead of lengthening one.
            ", ".join(request.headers.getlist("x-forwarded-for")),
            self._trusted,
            self._hops,
        )
        jar, names = request.cookies, self._cookies
        return Visitor(
            address=address,
            source=source_of(address),
            agent="".join(c for c in request.headers.get("user-agent", "") if c.isprintable())[:MAX_AGENT_LENGTH],
            request_id=request.scope.get("focys.request_id", ""),
            login=jar.get(names.login),
            browser=jar.get(names.browser),
            refresh=jar.get(names.refresh),
        )


class StartupErrors:
    """Reports a refused start in one sentence, without a traceback."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; of a failed start only the last line."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failed = False

        async def send_plainly(message: Message) -> None:
            nonlocal failed
            if message["type"] == "lifespan.startup.failed":
                failed = True
                message = {**message, "message": message["message"].strip().rpartition("\n")[2].partition(": ")[2]}
            await send(message)

        try:
            await self._app(scope, receive, send_plainly)
        except Exception:
            if not failed:
                raise


def _as_it_is(app: App) -> App:
    return app


class RequestGuard:
    """The outermost layer: host, origin, media type and size; the headers of answers; the last catch of faults.

    *readable* lets pages of other origins read the answers of an app, and so those that are given here.
    """

    def __init__(self, app: App, settings: Settings, readable: Callable[[App], App] = _as_it_is) -> None:
        self._app, self._readable_app, self._readable = app, readable(app), readable
        self._hosts = settings.allowed_hosts
        self._origins = Origins(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["focys.request_id"] = secrets.token_hex(16)
        outer = REQUEST_ID.set(request_id)
        answer = _Answer(scope, send, request_id)
        try:
            refused = await self._served(scope, receive, answer)
            if refused is not None:
                # A refused preflight skips CORS, which would grant it instead of sending the refusal.
                readable = _as_it_is if scope["method"] == "OPTIONS" else self._readable
                await readable(refusal(refused))(scope, receive, answer.send)
        finally:
            REQUEST_ID.reset(outer)

    async def _served(self, scope: Scope, receive: Receive, answer: "_Answer") -> Refused | None:
        """Have the request answered, or return why it is refused."""
        # If a header is repeated, the first one counts, as in the code that reads them later.
        headers = dict(reversed(scope["headers"]))
        # A caller without an origin is not a page and needs no permission to read.
        app = self._readable_app if b"origin" in headers else self._app
        has_body = scope["method"] not in _SAFE_METHODS or not headers.keys().isdisjoint(_BODY_HEADERS)
        now = asyncio.get_running_loop().time()
        try:
            refused = self._objection(scope, headers)
            if refused is not None:
                return refused
            async with asyncio.timeout_at(now + (BODY_SECONDS if has_body else REQUEST_SECONDS)) as answer.limit:
                if has_body:
                    receive = _replay(await _body(receive), receive)
                    answer.limit.reschedule(now + REQUEST_SECONDS)
                answer.request_is_read = True
                await app(scope, receive, answer.send)
        except _BodyTooLargeError:
            return Refused(Reason.PAYLOAD_TOO_LARGE)
        except Exception as fault:
            if isinstance(fault, TimeoutError) and not answer.request_is_read:
                return Refused(Reason.REQUEST_TIMEOUT)
            _log.error("fault", kind=type(fault).__name__, where=where(fault))
            if answer.has_begun:
                raise
            if isinstance(fault, TimeoutError):
                return Refused(Reason.UNAVAILABLE, retry_after=UNAVAILABLE_RETRY_SECONDS)
            return Refused(Reason.INTERNAL)
        finally:
            answer.limit = None
        return None

    def _objection(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Refused | None:
        if _hostname(headers.get(b"host", b"").decode("latin-1")) not in self._hosts:
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


class _Answer:
    """Sends the response to one request, with the headers of every response, and measures it.

    ``limit`` is the time within which it must begin, if there is one; sending it may take longer.
    """

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self._scope, self._send, self._request_id = scope, send, request_id
        self._began = perf_counter()
        self.limit: asyncio.Timeout | None = None
        self.has_begun = self.request_is_read = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            if self.limit is not None and not self.limit.expired():
                self.limit.reschedule(None)
            _add_headers(message, self._request_id)
            if not self.request_is_read:
                # Otherwise the rest of the body could hold the connection open indefinitely.
                message["headers"].append((b"connection", b"close"))
            _measure(self._scope, message["status"], perf_counter() - self._began)
        await self._send(message)


class _BodyTooLargeError(Exception):
    pass


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a receiver that replays a body that was read, and then passes on what follows."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _body(receive: Receive) -> bytes:
    """Read a body before parsing it, up to the size limit."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _BodyTooLargeError
        if not message.get("more_body"):
            break
    return body


def _measure(scope: Scope, status: int, seconds: float) -> None:
    # The route's own pattern, never the path: a caller's text must not become a label.
    route = getattr(scope.get("route"), "path", "other")
    method = scope["method"] if scope["method"] in _METHODS else "other"
    _seconds_of(method, route, status).observe(seconds)


# Cached, because looking up the labels takes longer than counting.
@lru_cache(maxsize=1024)
def _seconds_of(method: str, route: str, status: int) -> Histogram:
    return metrics.REQUEST_SECONDS.labels(method, route, str(status))


@lru_cache(maxsize=64)
def _hostname(host: str) -> str:
    """Return the name in a Host header without its port, or nothing if it is not one (RFC 9110 section 7.2)."""
    found = _HOST.fullmatch(host)
    return found["name"].strip("[]").rstrip(".").lower() if found else ""


def _add_headers(message: Message, request_id: str) -> None:
    present = {name for name, _ in message["headers"]}
    missing = [header for header in _ALWAYS if header[0] not in present]
    message["headers"] = [*message["headers"], *missing, (b"x-request-id", request_id.encode())]
