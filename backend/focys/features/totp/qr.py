"""Text to a QR code as a PNG data URI: black on white with its own quiet zone, readable on any page."""

import segno

_SCALE = 5
_QUIET_ZONE = 4


def png_data_uri(text: str) -> str:
    """Return *text* as a QR code, error level M, 5 pixels a module, 4 modules of white around it (ISO/IEC 18004)."""
    # A fixed mask skips the search for the best of eight; any mask decodes.
    code = segno.make(text, error="m", micro=False, boost_error=False, mask=4)
    return str(code.png_data_uri(scale=_SCALE, border=_QUIET_ZONE, dark="black", light="white"))
