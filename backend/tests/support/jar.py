"""The cookies a browser holds: taken out, and put back where they would be gone."""

from tests.support.service import Browser

LOGIN, KNOWN, REFRESH = "focys_login", "focys_browser", "focys_refresh"
_DOMAIN = "localhost.local"


def cookie(browser: Browser, name: str = LOGIN) -> str:
    """The value of a cookie, empty where there is none."""
    return browser.http.cookies.get(name) or ""


def put(browser: Browser, value: str, name: str = LOGIN) -> Browser:
    """Make the browser hold a cookie, in the place where the service's own stands."""
    browser.http.cookies.set(name, value, domain=_DOMAIN, path="/")
    return browser
