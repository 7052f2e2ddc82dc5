"""An accent color that can be read: as text on the pages, and under the text of a button (WCAG 2.2, 1.4.3)."""

from dataclasses import dataclass

Rgb = tuple[int, int, int]

CONTRAST = 4.5
"""The lowest contrast of text with its background, at level AA."""

LIGHT_SURFACES = ("#ffffff", "#f5f6f7")
DARK_SURFACES = ("#16191e", "#0d0f12", "#0f1216")
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Accent:
    """The color for the light and for the dark pages, as ``#rrggbb``."""

    light: str
    dark: str


def accent_of(color: str) -> Accent:
    """Return the closest readable shades of ``#rrggbb``: itself where it can be read, otherwise darker or lighter."""
    rgb = _parsed(color)
    return Accent(_readable(rgb, LIGHT_SURFACES, _BLACK), _readable(rgb, DARK_SURFACES, _WHITE))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colors, from 1 to 21."""
    darker, lighter = sorted((_luminance(_parsed(one)), _luminance(_parsed(other))))
    return (lighter + 0.05) / (darker + 0.05)


def _readable(rgb: Rgb, surfaces: tuple[str, ...], toward: Rgb) -> str:
    shades = (_spelled(_mixed(rgb, toward, step / _STEPS)) for step in range(_STEPS + 1))
    return next(shade for shade in shades if all(contrast(shade, surface) >= CONTRAST for surface in surfaces))


def _mixed(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (_linear(channel / 255) for channel in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004  sRGB's curve


def _parsed(color: str) -> Rgb:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _spelled(rgb: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
