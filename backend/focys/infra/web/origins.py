"""Which pages may make calls that change something, judged by headers that a page cannot forge."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers

from focys.settings import Settings

PAGE_HEADER, PAGE_HEADER_VALUE = "X-Requested-With", "focys"
"""The header our pages send. Another site can send it only after a preflight, which we refuse."""


class Origins:
    """The origins of our own pages: PUBLIC_URL, CORS_ORIGINS, and the requested host with PUBLIC_URL's scheme."""

    def __init__(self, settings: Settings) -> None:
        self._listed = {settings.public_url, *settings.cors_origins}
        # Behind a proxy that ends TLS, the scheme of the request itself would be http.
        self._scheme = urlsplit(settings.public_url).scheme

    def may_change(self, headers: Headers) -> bool:
        """Tell whether a call may change something: yes from our pages, and from clients that are not browsers.

        A page of another origin is identified by ``Origin`` or, without it, by ``Sec-Fetch-Site``.
        """
        origin = headers.get("origin")
        if origin is not None:
            return origin in self._listed or origin == f"{self._scheme}://{headers.get('host', '')}"
        return headers.get("sec-fetch-site", "none") in {"same-origin", "none"}

    def may_use_cookies(self, headers: Headers) -> bool:
        """Tell whether a call may be authenticated by a cookie alone: only if it proves it comes from our pages."""
        is_named = (
            "origin" in headers
            or headers.get("sec-fetch-site") == "same-origin"
            or headers.get(PAGE_HEADER) == PAGE_HEADER_VALUE
        )
        return is_named and self.may_change(headers)
