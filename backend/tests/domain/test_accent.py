"""Any accent color becomes one that can be read, on the light pages and on the dark ones."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focys.domain.accent import CONTRAST, DARK_SURFACES, LIGHT_SURFACES, accent_of, contrast
from tests.architecture.source import BACKEND

TOKENS = (BACKEND.parent / "frontend/src/ui/tokens.css").read_text(encoding="utf-8")
COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLORS)
def test_both_shades_are_readable_on_every_surface(color: str):
    accent = accent_of(color)

    assert all(contrast(accent.light, surface) >= CONTRAST for surface in LIGHT_SURFACES)
    assert all(contrast(accent.dark, surface) >= CONTRAST for surface in DARK_SURFACES)


@pytest.mark.parametrize(
    ("color", "light", "dark"),
    [("#0c6b5e", "#0c6b5e", None), ("#5ecfb6", None, "#5ecfb6"), ("#000000", "#000000", None)],
)
def test_a_readable_color_stays_as_it_is(color: str, light: str | None, dark: str | None):
    accent = accent_of(color)

    assert light in {None, accent.light}
    assert dark in {None, accent.dark}


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == contrast("#ffffff", "#000000") == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


def test_the_surfaces_are_those_of_the_pages():
    light, dark = TOKENS.split("prefers-color-scheme: dark", 1)

    for theme, surfaces in ((light, LIGHT_SURFACES), (dark, DARK_SURFACES)):
        assert set(re.findall(r"--(?:bg|surface|sunken): (#\w{6});", theme)) == set(surfaces)
