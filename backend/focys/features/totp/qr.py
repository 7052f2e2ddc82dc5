"""Text to a QR code as a PNG data URI: black on white with its own quiet zone, readable on any page."""

import segno

_SCALE, _LEAST_SCALE = 5, 3
_QUIET_ZONE = 4
_WIDTH_ON_A_PHONE = 284
"""What a screen of 360 pixels leaves beside the margins; a picture that is shrunk there loses its equal squares."""


def png_data_uri(text: str) -> str:
    """Return *text* as a QR code, error level M, with 4 modules of white around it (ISO/IEC 18004).

    A module is 5 pixels wide, or 4 or 3 where long names would make the picture too wide for a phone.
    """
    # A fixed mask skips the search for the best of eight; any mask decodes.
    code = segno.make(text, error="m", micro=False, boost_error=False, mask=4)
    modules, _ = code.symbol_size(border=_QUIET_ZONE)
    scale = max(_LEAST_SCALE, min(_SCALE, _WIDTH_ON_A_PHONE // modules))
    return str(code.png_data_uri(scale=scale, border=_QUIET_ZONE, dark="black", light="white"))
