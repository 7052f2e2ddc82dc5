"""What the settings show by themselves."""

from urllib.parse import urlsplit

from focys.cli.doctor.finding import Finding, ok, warn
from focys.infra.web.client_address import is_shared
from focys.settings import LOCAL_HOSTS, Settings

DEFAULT_NAME = "FOCYS"
_NAME_THE_PROXY = "set TRUSTED_PROXIES to the proxy's address, such as 127.0.0.1/32"


def check_settings(settings: Settings) -> list[Finding]:
    """Return a line for each setting that decides how the service meets the world."""
    return [
        ok("settings", "every setting can be used"),
        _public_url(settings),
        _origins(settings),
        _proxies(settings),
        _app_name(settings),
    ]


def judge_addresses(lone: tuple[int, str] | None, settings: Settings) -> Finding:
    """Say whether all people of the last day came from one address that cannot be their own."""
    name = "addresses"
    if lone is None or not is_shared(lone[1], settings.trusted_proxies):
        return ok(name, "nothing says that people share one")
    detail = f"all {lone[0]} people of the last day seem to come from one inner address, and share one limit"
    return warn(name, detail, _NAME_THE_PROXY, aside=lone[1])


def public_origin(settings: Settings) -> str:
    """Return PUBLIC_URL without whatever else may stand in it."""
    parts = urlsplit(settings.public_url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def _public_url(settings: Settings) -> Finding:
    origin = public_origin(settings)
    if settings.is_secure:
        return ok("public url", f"{origin}; cookies travel over TLS only")
    return ok("public url", f"{origin}; local, cookies without TLS")


def _origins(settings: Settings) -> Finding:
    name, number = "cors origins", len(settings.cors_origins)
    if settings.is_local:
        return ok(name, f"{number} allowed; the service is local")
    hosts = [urlsplit(origin) for origin in settings.cors_origins]
    mend = "set CORS_ORIGINS to the https:// origins of your own pages, or to nothing"
    if any(parts.hostname in LOCAL_HOSTS for parts in hosts):
        return warn(name, "pages on people's own machines may call the API with their cookies", mend)
    if any(parts.scheme == "http" for parts in hosts):
        return warn(name, "pages without TLS may call the API", mend)
    return ok(name, f"{number} allowed, all over TLS")


def _proxies(settings: Settings) -> Finding:
    name, mend = "proxies", _NAME_THE_PROXY
    hops = settings.trusted_proxy_hops
    if hops is None and any(network.prefixlen == 0 for network in settings.trusted_proxies):
        return warn(name, "everybody is trusted to say where a request comes from", mend)
    if settings.trusted_proxies:
        most = "" if hops is None else f", {hops} in a row at most"
        return ok(name, f"{len(settings.trusted_proxies)} networks trusted to say where a request comes from{most}")
    if settings.is_secure:
        return warn(name, "none trusted: behind a proxy all visitors share one address, and one limit", mend)
    return ok(name, "none, and none needed")


def _app_name(settings: Settings) -> Finding:
    if settings.app_name == DEFAULT_NAME and not settings.is_local:
        return warn("app name", "people's authenticator apps will say FOCYS", "set APP_NAME to your service's name")
    return ok("app name", "set" if settings.app_name != DEFAULT_NAME else "the default")
