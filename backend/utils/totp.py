"""The five helpers the guide calls, over the same code arithmetic that the service uses."""

import time

from focys.domain import totp
from focys.features.totp import new_secret, png_data_uri

_ISSUER = "FOCYS"


def generate_totp_secret() -> str:
    """Return a new Base32 secret of 160 bits."""
    return new_secret()


def get_current_totp_code(secret: str) -> str:
    """Return the six digits an authenticator app shows now."""
    return totp.code_for(secret, totp.step_at(time.time()))


def verify_totp_code(secret: str, code: str) -> bool:
    """Tell whether a code is right now, or was or will be within thirty seconds."""
    digits = totp.normalise(code)
    return digits is not None and totp.matching_step(secret, digits, now=time.time()) is not None


def get_totp_provisioning_uri(email: str, secret: str) -> str:
    """Return the ``otpauth`` URI that authenticator apps read."""
    return totp.provisioning_uri(secret, issuer=_ISSUER, account=email)


def generate_qr_code(uri: str) -> str:
    """Return a QR code as a PNG data URI."""
    return png_data_uri(uri)
