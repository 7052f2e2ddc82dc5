"""The canonical form of an email address, for lookup, uniqueness, rate limits and sending."""

from email_validator import EmailNotValidError, validate_email

MAX_LENGTH = 254


class InvalidAddressError(ValueError):
    """The text is not a valid email address."""


def canonical_address(text: str) -> str:
    """Return the address in lower case, with its domain in ASCII (IDNA).

    Non-ASCII local parts are refused: look-alike characters would allow two accounts that seem to have one address.

    Raises:
        InvalidAddressError: the text is not a valid address, or too long.
    """
    try:
        parts = validate_email(
            text.strip(),
            check_deliverability=False,
            allow_smtputf8=False,
            allow_quoted_local=False,
            test_environment=True,
        )
    except EmailNotValidError:
        raise InvalidAddressError("This is not an email address.") from None
    address = f"{parts.local_part}@{parts.ascii_domain}".lower()
    if len(address) > MAX_LENGTH:
        raise InvalidAddressError("This email address is too long.")
    return address


def masked(address: str) -> str:
    """Return the address masked, to show before sign-in is complete: ``a…e@student.com``."""
    name, _, domain = address.partition("@")
    return f"{name[0]}…{name[-1] if len(name) > 2 else ''}@{domain}"  # noqa: PLR2004  with two letters, this would show the whole name
