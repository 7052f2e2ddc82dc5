"""The five helpers that the guide calls, built on the service's own TOTP code."""

import time

from focys.domain import totp
from focys.features.totp import new_secret, png_data_uri

_ISSUER = "FOCYS"


def generate_totp_secret() -> str:
    """Return a new 160-bit Base32 secret."""
    return new_secret()


def get_current_totp_code(secret: str) -> str:
    """Return the six digits that an authenticator app shows now."""
    return totp.code_for(secret, totp.step_at(time.time()))


def verify_totp_code(secret: str, code: str) -> bool:
    """Tell whether a code belongs to the current 30-second step or a neighboring one."""
    digits = totp.normalize(code)
    return digits is not None and totp.matching_step(secret, digits, now=time.time()) is not None


def get_totp_provisioning_uri(email: str, secret: str) -> str:
    """Return the ``otpauth`` URI that authenticator apps read."""
    return totp.provisioning_uri(secret, issuer=_ISSUER, account=email)


def generate_qr_code(uri: str) -> str:
    """Return a QR code as a PNG data URI."""
    return png_data_uri(uri)
