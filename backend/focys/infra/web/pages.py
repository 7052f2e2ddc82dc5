"""Serves the built frontend: hashed assets are cached forever, the page itself is always revalidated."""

from http import HTTPStatus
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from focys.domain.outcome import Reason, Refused
from focys.infra.web.headers import PAGE_POLICY
from focys.infra.web.replies import refusal

PAGE_PATHS = frozenset(
    {
        ".",
        "login",
        "email-code",
        "mfa-enroll",
        "totp-verify",
        "backup-code",
        "account/sessions",
        "account/activity",
        "account/password",
        "account/authenticator",
        "account/backup-codes",
    }
)
"""The paths that the single-page app has pages for, relative to its root."""
DEMO_PATHS = frozenset({"demo/phone"})

_FOREVER = "public, max-age=31536000, immutable"
_FRESH = "no-cache"


class Pages(StaticFiles):
    """The single-page app. On an unknown path, it says that there is no such page, with the status 404.

    Only the demo has a phone.
    """

    def __init__(self, folder: Path, *, demo: bool = False) -> None:
        super().__init__(directory=folder, html=True)
        self._pages = PAGE_PATHS | DEMO_PATHS if demo else PAGE_PATHS

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file if it exists and is not hidden, such as the build's manifest; otherwise, the page."""
        if any(part.startswith(".") for part in path.split("/") if part != "."):
            return refusal(Refused(Reason.NOT_FOUND))
        try:
            response = await super().get_response(path, scope)
        except HTTPException as fault:
            if fault.status_code != HTTPStatus.NOT_FOUND:
                return refusal(Refused(Reason.METHOD_NOT_ALLOWED))
            if path.startswith("assets/") or "." in path.rpartition("/")[2]:
                return refusal(Refused(Reason.NOT_FOUND))
            response = await super().get_response("index.html", scope)
            if path not in self._pages and response.status_code == HTTPStatus.OK:
                response.status_code = HTTPStatus.NOT_FOUND
        response.headers["Cache-Control"] = _FOREVER if path.startswith("assets/") else _FRESH
        response.headers["Content-Security-Policy"] = PAGE_POLICY
        return response
