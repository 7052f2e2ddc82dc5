"""Text to a QR code as a PNG data URI, black on white with a quiet zone, so it scans on any background."""

import segno

_SCALE, _LEAST_SCALE = 5, 3
_QUIET_ZONE = 4
_WIDTH_ON_A_PHONE = 284
"""The pixels between the margins of a 360-pixel screen. A scaled-down image would have unequal modules."""


def png_data_uri(text: str) -> str:
    """Return *text* as a QR code, error correction level M, with a quiet zone of 4 modules (ISO/IEC 18004).

    A module is 5 pixels wide, or 4 or 3 if long names would make the image too wide for a phone.
    """
    # A fixed mask saves trying all eight; a scanner reads any of them.
    code = segno.make(text, error="m", micro=False, boost_error=False, mask=4)
    modules = len(code.matrix) + 2 * _QUIET_ZONE
    scale = max(_LEAST_SCALE, min(_SCALE, _WIDTH_ON_A_PHONE // modules))
    return str(code.png_data_uri(scale=scale, border=_QUIET_ZONE))
