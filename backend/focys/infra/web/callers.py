"""The caller of a request, and the cookies that identify it."""

from starlette.requests import Request
from starlette.responses import Response

from focys.infra.web.caller import Caller
from focys.infra.web.client_address import client_address, source_of
from focys.settings import Settings

MAX_AGENT_LENGTH = 200


class Cookies:
    """Names and attributes of our cookies: ``__Host-`` and Secure everywhere except on http://localhost."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        prefix = "__Host-" if secure else ""
        self.login, self.browser, self.refresh = (f"{prefix}focys_{kind}" for kind in ("login", "browser", "refresh"))

    def set(self, response: Response, name: str, value: str, seconds: int) -> None:
        """Set a cookie for this many seconds."""
        response.set_cookie(name, value, max_age=seconds, secure=self._secure, httponly=True, samesite="strict")

    def clear(self, response: Response, name: str) -> None:
        """Delete a cookie."""
        self.set(response, name, "", 0)


class Callers:
    """Reads the caller from a request."""

    def __init__(self, settings: Settings, cookies: Cookies) -> None:
        self._trusted, self._hops, self._cookies = settings.trusted_proxies, settings.trusted_proxy_hops, cookies

    async def __call__(self, request: Request) -> Caller:
        """Return the caller behind *request*."""
        address = client_address(
            request.client,
            # A repeated header is one list (RFC 9110 section 5.3); a proxy may add a line instead of extending one.
            ", ".join(request.headers.getlist("x-forwarded-for")),
            self._trusted,
            self._hops,
        )
        jar, names = request.cookies, self._cookies
        return Caller(
            address=address,
            network=source_of(address),
            user_agent="".join(c for c in request.headers.get("user-agent", "") if c.isprintable())[:MAX_AGENT_LENGTH],
            request_id=request.scope.get("focys.request_id", ""),
            login=jar.get(names.login),
            browser=jar.get(names.browser),
            refresh=jar.get(names.refresh),
        )
