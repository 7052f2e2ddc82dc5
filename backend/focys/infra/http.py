"""The edge of the service: what every request must satisfy and every answer carries, before a router is asked."""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from focys.domain.outcome import Reason, Refused
from focys.infra import metrics
from focys.infra.client_address import client_address, source_of
from focys.infra.logs import logger
from focys.infra.origins import Origins
from focys.infra.replies import UNAVAILABLE_RETRY_SECONDS, refusal, where
from focys.infra.visitor import Visitor
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


class PlainStart:
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


class Edge:
    """The outermost layer: host, origin, media type and size; the headers of answers; the last catch of faults.

    *readable* lets pages of other origins read the answers of an app, and so those that are given here.
    """

    def __init__(self, app: App, settings: Settings, readable: Callable[[App], App] = _as_it_is) -> None:
        self._app, self._readable = readable(app), readable
        self._hosts = settings.allowed_hosts
        self._origins = Origins(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["focys.request_id"] = uuid4().hex
        started = is_read = False
        began = perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(message, request_id)
                if not is_read:
                    # Or what is still to come of the body would hold the connection for as long as it likes.
                    message["headers"].append((b"connection", b"close"))
                _measure(scope, message["status"], perf_counter() - began)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                refused = self._objection(scope)
                if refused is None:
                    receive = await _bounded(receive)
                    is_read = True
                    left = REQUEST_SECONDS - (perf_counter() - began)
                    await _in_time(left, self._app, scope, receive, send_with_headers)
                    return
            except _UnreadableBodyError as fault:
                refused = Refused(fault.reason)
            except Exception as fault:
                _log.error("fault", kind=type(fault).__name__, where=where(fault))
                if started:
                    raise
                refused = Refused(Reason.INTERNAL)
                if isinstance(fault, TimeoutError):
                    refused = Refused(Reason.UNAVAILABLE, retry_after=UNAVAILABLE_RETRY_SECONDS)
            # A preflight is told nothing but that it failed, and would else be granted in the refusal's stead.
            readable = _as_it_is if scope["method"] == "OPTIONS" else self._readable
            await readable(refusal(refused))(scope, receive, send_with_headers)

    def _objection(self, scope: Scope) -> Refused | None:
        headers = Headers(scope=scope)
        if _hostname(headers.get("host", "")) not in self._hosts:
            return Refused(Reason.UNKNOWN_HOST)
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            return Refused(Reason.PAYLOAD_TOO_LARGE)
        if scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            return None
        if not self._origins.may_change(headers):
            return Refused(Reason.FORBIDDEN_ORIGIN)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not (scope["method"] == "DELETE" and not media_type):
            return Refused(Reason.UNSUPPORTED_MEDIA_TYPE)
        return None


class _UnreadableBodyError(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


async def _in_time(seconds: float, app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request whose answer has to begin in time, however long its sending takes.

    Raises:
        TimeoutError: it did not.
    """
    async with asyncio.timeout(seconds) as limit:

        async def send_in_time(message: Message) -> None:
            if message["type"] == "http.response.start" and not limit.expired():
                limit.reschedule(None)
            await send(message)

        await app(scope, receive, send_in_time)


async def _bounded(receive: Receive) -> Receive:
    """Read the body up to its limits before anything is parsed."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _body(receive)
    except TimeoutError:
        raise _UnreadableBodyError(Reason.REQUEST_TIMEOUT) from None
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _UnreadableBodyError(Reason.PAYLOAD_TOO_LARGE)
        if not message.get("more_body"):
            break
    return body


def _measure(scope: Scope, status: int, seconds: float) -> None:
    # The route's own pattern, never the path: a caller's text must not become a label.
    route = getattr(scope.get("route"), "path", "other")
    method = scope["method"] if scope["method"] in _METHODS else "other"
    metrics.REQUEST_SECONDS.labels(method, route, str(status)).observe(seconds)


def _hostname(host: str) -> str:
    """Return the name in a Host header without its port, or nothing if it is not one (RFC 9110 section 7.2)."""
    found = _HOST.fullmatch(host)
    return found["name"].strip("[]").rstrip(".").lower() if found else ""


def _add_headers(message: Message, request_id: str) -> None:
    present = {name for name, _ in message["headers"]}
    missing = [header for header in _ALWAYS if header[0] not in present]
    message["headers"] = [*message["headers"], *missing, (b"x-request-id", request_id.encode())]
