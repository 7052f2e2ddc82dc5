"""Text to a QR code as a PNG data URI, black on white with a quiet zone, so it scans on any background."""

import base64
import struct
import zlib

import segno

_SCALE, _LEAST_SCALE = 5, 3
_QUIET_ZONE = 4
_WIDTH_ON_A_PHONE = 284
"""The pixels between the margins of a 360-pixel screen. A scaled-down image would have unequal modules."""

_GREY, _BLACK, _WHITE = 0, b"0", b"1"
_FAST = 1


def png_data_uri(text: str) -> str:
    """Return *text* as a QR code, error correction level M, with a quiet zone of 4 modules (ISO/IEC 18004).

    A module is 5 pixels wide, or 4 or 3 if long names would make the image too wide for a phone.
    """
    # A fixed mask saves trying all eight; a scanner reads any of them.
    code = segno.make(text, error="m", micro=False, boost_error=False, mask=4)
    modules = len(code.matrix) + 2 * _QUIET_ZONE
    scale = max(_LEAST_SCALE, min(_SCALE, _WIDTH_ON_A_PHONE // modules))
    return "data:image/png;base64," + base64.b64encode(_png(code.matrix, scale)).decode()


def _png(matrix: tuple[bytearray, ...], scale: int) -> bytes:
    """Return the modules (1 is dark) as a 1-bit grayscale PNG (ISO/IEC 15948).

    segno's own PNG writer takes longer than making the code.
    """
    size = (len(matrix) + 2 * _QUIET_ZONE) * scale
    margin = _WHITE * (_QUIET_ZONE * scale)
    lines = [margin + row.replace(b"\1", _BLACK * scale).replace(b"\0", _WHITE * scale) + margin for row in matrix]
    blank = _line(_WHITE * size) * (_QUIET_ZONE * scale)
    pixels = blank + b"".join(_line(line) * scale for line in lines) + blank
    header = struct.pack(">IIBBBBB", size, size, 1, _GREY, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(pixels, _FAST)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _line(pixels: bytes) -> bytes:
    """Return one line of the image: filter type 0, eight pixels per byte."""
    width = -(-len(pixels) // 8)
    return b"\0" + int(pixels.ljust(8 * width, _WHITE), 2).to_bytes(width, "big")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
