"""Enrollment QR codes: text to PNG data URI, checked with another program's reader. `python -m bench.qr`."""

import base64
import io
import statistics
import sys
import time
from collections.abc import Callable

import segno
import zxingcpp
from focys.domain import totp
from focys.features.totp import new_secret, png_data_uri
from PIL import Image

from bench.report import Aim, Effort, Result, Row, Say, main, ratios

_OURS, _SEGNO = "FOCYS png_data_uri", f"segno {segno.__version__}, defaults"


def measure(effort: Effort, say: Say) -> Result:
    """Draw many different codes, and check that they can be read."""
    ways: dict[str, Callable[[str], str]] = {_OURS: png_data_uri, _SEGNO: _plain_segno}
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(effort.rounds):
        say(f"QR code, round {number + 1} of {effort.rounds}")
        texts = [_text(account) for account in range(30)]
        for name, draw in ways.items():
            # Interference only adds time, so the best of each round is the true cost.
            took[name].append(min(_seconds_of(draw, text) for text in texts) * 1000)
    texts = [_text(account) for account in range(30)]
    read = sum(_is_readable(png_data_uri(text), text) for text in texts)
    if read < len(texts):
        raise AssertionError(f"only {read} of {len(texts)} codes can be read")
    return Result(
        "QR code",
        f"A PNG data URI of an otpauth URI of {len(texts[0])} characters; zxing-cpp reads {read} of {len(texts)}.",
        [
            Row(_OURS, _milliseconds(took[_OURS]), took[_OURS], Aim(3, "at most", "ms")),
            Row(_SEGNO, _milliseconds(took[_SEGNO]), ratios(took[_OURS], took[_SEGNO])),
        ],
    )


def _text(account: int) -> str:
    return totp.provisioning_uri(new_secret(), issuer="FOCYS", account=f"alice{account:02}@student.com")


def _plain_segno(text: str) -> str:
    return str(segno.make(text, error="m", micro=False, boost_error=False).png_data_uri(scale=4, border=4))


def _seconds_of(draw: Callable[[str], str], text: str) -> float:
    began = time.perf_counter()
    draw(text)
    return time.perf_counter() - began


def _is_readable(uri: str, text: str) -> bool:
    picture = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    found = zxingcpp.read_barcode(picture.convert("L"))
    return found is not None and bool(found.text == text)


def _milliseconds(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ms"


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
