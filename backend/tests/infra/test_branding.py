"""The logo, the accent color, the application and the support contact reach the pages."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeWorld
from tests.support.service import World

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


async def branding_of(world: World) -> Any:
    return (await world.a_browser().get("/auth/status")).json()["branding"]


async def test_without_settings_nothing_is_branded(world: World):
    assert await branding_of(world) == {"logo": None, "accent": None, "app_url": None, "support": None}
    assert (await world.a_browser().get("/auth/logo")).json()["code"] == "not_found"


async def test_the_settings_reach_the_pages(make_world: MakeWorld):
    async with make_world(
        accent_color="#ffcc00", app_url="https://app.corp.test/", support_contact="help@corp.test"
    ) as world:
        branding = await branding_of(world)

    assert (branding["app_url"], branding["support"]) == ("https://app.corp.test/", "help@corp.test")
    assert branding["accent"]["dark"] == "#ffcc00"
    assert branding["accent"]["light"] != "#ffcc00"


@pytest.mark.parametrize(("image", "media_type"), [(PNG, "image/png"), (SVG, "image/svg+xml")])
async def test_a_logo_is_served_without_rights(make_world: MakeWorld, tmp_path: Path, image: bytes, media_type: str):
    """WEB-05: a script in an SVG that is opened by itself does not run."""
    logo = tmp_path / "logo"
    logo.write_bytes(image)

    async with make_world(logo=str(logo)) as world:
        path = (await branding_of(world))["logo"]
        response = await world.a_browser().get(path)

    assert response.content == image
    assert response.headers["Content-Type"] == media_type
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_another_logo_has_another_address(make_world: MakeWorld, tmp_path: Path):
    logo, addresses = tmp_path / "logo", set()
    for image in (PNG, SVG):
        logo.write_bytes(image)
        async with make_world(logo=str(logo)) as world:
            addresses.add((await branding_of(world))["logo"])

    assert len(addresses) == 2
