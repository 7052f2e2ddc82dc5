"""Settings that are checked one by one, as types for the fields of ``Settings``."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field

from focys.domain.plain_text import is_readable
from focys.settings.origins import LOCAL_HOSTS, exact_origin

MAX_LOGO_BYTES = 100_000

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_PRINTABLE = re.compile(r"[!-~]+")
_QUOTES = ('""', "''", "“”", "\u2018\u2019", "„“", "«»")
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


def _breach_service(value: str) -> str:
    try:
        return _range_address(value) if value else value
    except ValueError:
        raise ValueError("give the address of a range service, such as https://api.pwnedpasswords.com/range") from None


def _range_address(value: str) -> str:
    """Return the address, to whose path the beginning of a hash can be appended."""
    parts = urlsplit(value)
    exact_origin(f"{parts.scheme}://{parts.netloc}")
    if not _PRINTABLE.fullmatch(value) or "?" in value or "#" in value:
        raise ValueError("more than a path")
    return value


def _support_contact(value: str) -> str:
    try:
        if is_url(value):
            return _web_address(value)
        return validate_email(value, check_deliverability=False, test_environment=True).normalized if value else value
    except (EmailNotValidError, ValueError):
        raise ValueError("give an email address, or the https:// address of a page") from None


def _unquoted(value: object) -> object:
    """Return a name without the quotes around it: a shell removes them, Docker's env files keep them."""
    if not isinstance(value, str):
        return value
    name = value.strip()
    return name[1:-1].strip() if len(name) > 1 and name[0] + name[-1] in _QUOTES else name


def _app_name(value: str) -> str:
    if not is_readable(value):
        raise ValueError("give a name on a single line, with at least one visible character")
    return value


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


def _log_file(value: Path) -> Path:
    # Standard streams differ from one program to the next, and the doctor could not check those of the service.
    is_stream = str(value).startswith(("/dev/std", "/dev/fd/", "/proc/"))
    if is_stream or (os.path.lexists(value) and not os.path.isfile(value)):  # noqa: PTH113  also if we may not look
        raise ValueError("name a regular file, or leave it out: events always go to standard error")
    return value


Algorithm = Annotated[Literal["HS256"], BeforeValidator(_one_algorithm)]
RateLimitStorage = Annotated[str, AfterValidator(_known_storage)]
BreachService = Annotated[str, AfterValidator(_breach_service)]
LogFile = Annotated[Path, AfterValidator(_log_file)]
AppUrl = Annotated[str, AfterValidator(_app_url)]
AppName = Annotated[str, Field(max_length=30), AfterValidator(_app_name), BeforeValidator(_unquoted)]
SupportContact = Annotated[str, AfterValidator(_support_contact)]
AccentColor = Annotated[str, AfterValidator(_accent_color)]
Logo = Annotated[str, AfterValidator(_logo)]
