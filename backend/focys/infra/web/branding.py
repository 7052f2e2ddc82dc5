"""How the pages look and where they lead: the logo, the accent color, the application, and where people get help."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from focys.domain.accent import accent_of
from focys.domain.outcome import Reason, Refused
from focys.infra.web.replies import refusal
from focys.settings import Settings, is_url, logo_type

_LOGO_PATH = "/auth/logo"

router = APIRouter()


class Accent(BaseModel):
    """The accent color of light and of dark pages, as ``#rrggbb``."""

    model_config = ConfigDict(from_attributes=True)

    light: str
    dark: str


class Branding(BaseModel):
    """What the operator has set; null means the default.

    ``logo`` is a complete address, or a path below that of the API.
    """

    logo: str | None = None
    accent: Accent | None = None
    app_url: str | None = None
    support: str | None = None


@dataclass(frozen=True, slots=True)
class Brand:
    """The branding, and the logo if it is a file; stored as ``app.state.brand``."""

    branding: Branding
    logo: bytes | None

    @classmethod
    def of(cls, settings: Settings) -> "Brand":
        """Return the branding of these settings; the logo is read once."""
        image = Path(settings.logo).read_bytes() if settings.logo and not is_url(settings.logo) else None
        accent = accent_of(settings.accent_color) if settings.accent_color else None
        return cls(
            Branding(
                # The address changes with the image, so that no browser shows an earlier one.
                logo=settings.logo or None if image is None else f"{_LOGO_PATH}?{sha256(image).hexdigest()[:8]}",
                accent=Accent.model_validate(accent) if accent is not None else None,
                app_url=settings.app_url or None,
                support=settings.support_contact or None,
            ),
            image,
        )


async def _brand(request: Request) -> Brand:
    brand: Brand = request.app.state.brand
    return brand


BrandDep = Annotated[Brand, Depends(_brand)]


@router.get(_LOGO_PATH)
async def read_logo(brand: BrandDep) -> Response:
    """Return the logo. Opened by itself, an SVG can do nothing under the content security policy of the API."""
    if brand.logo is None:
        return refusal(Refused(Reason.NOT_FOUND))
    return Response(brand.logo, media_type=logo_type(brand.logo))
