"""Settings that are checked one by one, as types for the fields of ``Settings``."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from focys.domain.networks import NETWORK_PREFIX
from focys.settings.origins import LOCAL_HOSTS, exact_origin

MAX_LOGO_BYTES = 100_000

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_PRINTABLE = re.compile(r"[!-~]+")
_LOGO_TYPES = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "image/svg+xml": re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.{0,2000}?)?<svg[\s>]", re.DOTALL),
}


def is_url(text: str) -> bool:
    """Return whether a contact or a logo is given as a web address."""
    return text.startswith(("https://", "http://"))


def logo_type(image: bytes) -> str | None:
    """Return the media type of a logo by its content, or None if it is not a supported one."""
    return next((name for name, start in _LOGO_TYPES.items() if start.match(image)), None)


def _one_algorithm(value: object) -> object:
    if value != "HS256":
        raise ValueError("the only supported algorithm is HS256")
    return value


def _known_storage(value: str) -> str:
    known = value.startswith(("memory://", "redis://", "rediss://")) and _has_valid_port(value)
    if value != "database" and not known:
        raise ValueError("use database, memory:// or redis://host:port/0")
    return value


def _has_valid_port(address: str) -> bool:
    """Return whether the port, if the address has one, is a number that a port can have."""
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def _web_address(value: str) -> str:
    """Return the address with its origin as browsers write it.

    Raises:
        ValueError: it is not a complete address, or sends people over a network without TLS.
    """
    parts = urlsplit(value)
    origin = exact_origin(f"{parts.scheme}://{parts.netloc}")
    if not _PRINTABLE.fullmatch(parts.path + parts.query + parts.fragment + "/"):
        raise ValueError("not encoded")
    if origin.startswith("http:") and urlsplit(origin).hostname not in LOCAL_HOSTS:
        raise ValueError("no TLS")
    return origin + value.split(parts.netloc, 1)[1]


def _app_url(value: str) -> str:
    try:
        return _web_address(value) if value else value
    except ValueError:
        raise ValueError("give the whole address of your application, such as https://app.example.com/") from None


def _support_contact(value: str) -> str:
    try:
        if is_url(value):
            return _web_address(value)
        return validate_email(value, check_deliverability=False, test_environment=True).normalized if value else value
    except (EmailNotValidError, ValueError):
        raise ValueError("give an email address, or the https:// address of a page") from None


def _accent_color(value: str) -> str:
    if value and not _COLOR.fullmatch(value):
        raise ValueError("give a color as # and six hexadecimal digits, such as #0c6b5e")
    return value.lower()


def _logo(value: str) -> str:
    if not value or is_url(value):
        return value
    try:
        with Path(value).open("rb") as file:
            image = file.read(MAX_LOGO_BYTES + 1)
    except OSError as fault:
        raise ValueError(f"the file cannot be read ({fault.strerror})") from None
    if len(image) > MAX_LOGO_BYTES:
        raise ValueError(f"the file is larger than {MAX_LOGO_BYTES // 1000} kB")
    if logo_type(image) is None:
        raise ValueError("the file is not an SVG, PNG, JPEG or WebP image")
    return value


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _networks(value: object) -> object:
    items = _split(value)
    try:
        return [ip_network(item, strict=False) for item in items] if isinstance(items, list) else items
    except ValueError:
        raise ValueError("list networks such as 127.0.0.1 or 10.0.0.0/8") from None


def _own_networks(value: list[IPv4Network | IPv6Network]) -> list[IPv4Network | IPv6Network]:
    if any(network.prefixlen == 0 for network in value):
        raise ValueError("a network of your own cannot contain every address")
    if any(network.version == 6 and network.prefixlen > NETWORK_PREFIX[6] for network in value):  # noqa: PLR2004
        raise ValueError("an IPv6 network must be a /64 or larger")
    return value


def _public_url(value: str) -> str:
    try:
        origin = exact_origin(value)
    except ValueError:
        raise ValueError("give the address that users enter, such as https://login.example.com") from None
    if origin.startswith("http:") and urlsplit(origin).hostname not in LOCAL_HOSTS:
        raise ValueError("a public address must start with https://")
    return origin


def _origins(value: list[str]) -> list[str]:
    try:
        return [exact_origin(origin) for origin in value]
    except ValueError:
        raise ValueError("list exact origins such as https://app.example.com; no wildcard, no path") from None


def _no_service_link(value: object) -> object:
    if isinstance(value, str) and "://" in value:
        raise ValueError(
            "Kubernetes sets this for a service named smtp; use enableServiceLinks: false, or set a number"
        )
    return value


def _empty_is_none(value: object) -> object:
    return value or None


Algorithm = Annotated[Literal["HS256"], BeforeValidator(_one_algorithm)]
RateLimitStorage = Annotated[str, AfterValidator(_known_storage)]
AppUrl = Annotated[str, AfterValidator(_app_url)]
SupportContact = Annotated[str, AfterValidator(_support_contact)]
AccentColor = Annotated[str, AfterValidator(_accent_color)]
Logo = Annotated[str, AfterValidator(_logo)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Origins = Annotated[list[str], NoDecode, BeforeValidator(_split), AfterValidator(_origins)]
Secrets = Annotated[list[SecretStr], NoDecode, BeforeValidator(_split)]
Networks = Annotated[list[IPv4Network | IPv6Network], NoDecode, BeforeValidator(_networks)]
OwnNetworks = Annotated[Networks, AfterValidator(_own_networks)]
Port = Annotated[int, Field(ge=1, le=65535), BeforeValidator(_no_service_link)]
Hops = Annotated[Annotated[int, Field(ge=1, le=10)] | None, BeforeValidator(_empty_is_none)]
OptionalPath = Annotated[Path | None, BeforeValidator(_empty_is_none)]
