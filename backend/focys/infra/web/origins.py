"""Which pages may make state-changing requests. Decided from headers that a page cannot forge."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers

from focys.settings import Settings

PAGE_HEADER, PAGE_HEADER_VALUE = "X-Requested-With", "focys"
"""The header our pages send. A page of another site can send it only after a preflight, which we refuse."""


class Origins:
    """The origins of our own pages: PUBLIC_URL, CORS_ORIGINS, and the Host header with PUBLIC_URL's scheme."""

    def __init__(self, settings: Settings) -> None:
        self._listed = {settings.public_url, *settings.cors_origins}
        # The request's own scheme is http behind a proxy that terminates TLS.
        self._scheme = urlsplit(settings.public_url).scheme

    def may_change(self, headers: Headers) -> bool:
        """Tell whether a request may change state. Our pages may, and clients that are not browsers.

        A page from another origin is recognized by ``Origin`` or, if that is missing, by ``Sec-Fetch-Site``.
        """
        origin = headers.get("origin")
        if origin is not None:
            return origin in self._listed or origin == f"{self._scheme}://{headers.get('host', '')}"
        return headers.get("sec-fetch-site", "none") in {"same-origin", "none"}

    def may_use_cookies(self, headers: Headers) -> bool:
        """Tell whether a cookie alone may authenticate a request: only if it proves it comes from our pages."""
        is_identified = (
            "origin" in headers
            or headers.get("sec-fetch-site") == "same-origin"
            or headers.get(PAGE_HEADER) == PAGE_HEADER_VALUE
        )
        return is_identified and self.may_change(headers)
