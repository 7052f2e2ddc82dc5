"""The picture: read back by a decoder that is not ours."""

import base64
import hashlib
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image, ImageOps

from focys.domain.totp import provisioning_uri
from focys.features.totp import png_data_uri

NAMES = ["alice@student.com", "jörg+tag@straße.example", "张伟@例子.公司", "🦊" * 20, "x" * 200, "a&b#c?d%e", "Ab"]
QUIET_ZONE = 4
QR_CODES = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
DARK, WHITE = 0, 255


def uri_number(number: int) -> str:
    secret = base64.b32encode(hashlib.sha1(bytes([number])).digest()).decode()
    issuer, account = NAMES[number % len(NAMES)], f"{number}{NAMES[number * 3 % len(NAMES)]}"
    return provisioning_uri(secret, issuer=issuer, account=account)


def picture_of(text: str) -> Image.Image:
    head, _, data = png_data_uri(text).partition(",")
    assert head == "data:image/png;base64"
    return Image.open(BytesIO(base64.b64decode(data, validate=True))).convert("L")


def on_dark_page(picture: Image.Image) -> Image.Image:
    page = Image.new("L", (picture.width + 120, picture.height + 120), 16)
    page.paste(picture, (60, 60))
    return page


def quiet_zone_of(picture: Image.Image) -> int:
    box = ImageOps.invert(picture).getbbox()
    assert box is not None
    return box[0]


def decoded(picture: Image.Image) -> list[str]:
    # Authenticator apps look for QR codes only; a chance row of bars inside one is no finding.
    return [found.text for found in zxingcpp.read_barcodes(picture, formats=QR_CODES)]


@pytest.mark.parametrize("first", range(0, 200, 25))
def test_two_hundred_qr_codes_decode_exactly(first):
    for text in map(uri_number, range(first, first + 25)):
        assert decoded(picture_of(text)) == [text]


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_the_qr_code_is_readable_on_a_dark_page(number):
    text = uri_number(number)

    assert decoded(on_dark_page(picture_of(text))) == [text]


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_the_image_includes_a_quiet_zone_of_four_modules(number):
    """ISO/IEC 18004: four modules on every side; the finder patterns begin right behind it."""
    picture = picture_of(uri_number(number))
    zone, side, module = quiet_zone_of(picture), picture.width, quiet_zone_of(picture) // QUIET_ZONE

    border = picture.copy()
    border.paste(WHITE, (zone, zone, side - zone, side - zone))

    assert picture.height == side
    assert zone % QUIET_ZONE == 0
    assert (side // module - 2 * QUIET_ZONE - 17) % 4 == 0
    assert border.getextrema() == (WHITE, WHITE)
    corners = [(zone, zone), (side - zone - 1, zone), (zone, side - zone - 1)]
    assert [picture.getpixel(corner) for corner in corners] == [DARK] * 3


@pytest.mark.parametrize("issuer", NAMES)
@pytest.mark.parametrize("account", NAMES)
def test_the_image_is_large_enough_and_fits_a_phone(issuer, account):
    uri = provisioning_uri("A" * 32, issuer=issuer, account=account)

    assert 200 <= picture_of(uri).width <= 284


def test_the_image_is_opaque_black_on_white():
    data = base64.b64decode(png_data_uri(uri_number(0)).partition(",")[2])
    picture = Image.open(BytesIO(data))

    assert "transparency" not in picture.info
    assert {color for _, color in picture.convert("RGBA").getcolors() or []} == {
        (0, 0, 0, 255),
        (255, 255, 255, 255),
    }
