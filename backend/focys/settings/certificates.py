"""Files with certificates, checked before anything is encrypted with them."""

import ssl
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


def check_readable(file: Path) -> Path:
    """Return the file.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        with file.open("rb"):
            return file
    except OSError as fault:
        raise ValueError(f"the file cannot be read ({fault.strerror})") from None


def check_certificates(file: Path) -> Path:
    """Return the file.

    Raises:
        ValueError: it cannot be read, or contains no certificate in PEM format.
    """
    check_readable(file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except ssl.SSLError:
        raise ValueError("the file contains no certificate in PEM format (-----BEGIN CERTIFICATE-----)") from None
    return file


CertificateFile = Annotated[Path, AfterValidator(check_certificates)]
