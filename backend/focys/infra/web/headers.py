"""The security headers of every response."""

from starlette.types import Message

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

Headers = list[tuple[bytes, bytes]]


def default_headers(*, covers_subdomains: bool) -> Headers:
    """Return the headers of every response, encoded once. Browsers may be told to use TLS for all subdomains, too."""
    transport = SECURITY_HEADERS["Strict-Transport-Security"]
    values = {
        **SECURITY_HEADERS,
        "Strict-Transport-Security": transport if covers_subdomains else transport.partition(";")[0],
        "Cache-Control": "no-store",
        "Content-Security-Policy": API_POLICY,
    }
    return [(name.lower().encode(), value.encode()) for name, value in values.items()]


def add_headers(message: Message, request_id: str, headers: Headers) -> None:
    """Add these headers to the start of a response, except those it already has."""
    present = {name for name, _ in message["headers"]}
    missing = [header for header in headers if header[0] not in present]
    message["headers"] = [*message["headers"], *missing, (b"x-request-id", request_id.encode())]
