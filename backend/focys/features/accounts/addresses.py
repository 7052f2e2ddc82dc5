"""The one canonical form of an e-mail address, used for look-up, uniqueness, limits and mail."""

from email_validator import EmailNotValidError, validate_email

MAX_LENGTH = 254


class InvalidAddressError(ValueError):
    """The text is not an address that mail can be sent to."""


def canonical_address(text: str) -> str:
    """Return the address in lower case, its domain in ASCII (IDNA).

    Local parts beyond ASCII are refused: look-alike letters would make two accounts of one name.

    Raises:
        InvalidAddressError: the text is not such an address.
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
        raise InvalidAddressError("This is not an e-mail address.") from None
    address = f"{parts.local_part}@{parts.ascii_domain}".lower()
    if len(address) > MAX_LENGTH:
        raise InvalidAddressError("This e-mail address is too long.")
    return address


def masked(address: str) -> str:
    """Return the address as it may be shown before a sign-in is complete: ``a…e@student.com``."""
    name, _, domain = address.partition("@")
    return f"{name[0]}…{name[-1] if len(name) > 2 else ''}@{domain}"  # noqa: PLR2004  two letters would show the whole
