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

_FOREVER = "public, max-age=31536000, immutable"
_FRESH = "no-cache"


class Pages(StaticFiles):
    """The single-page app. A path without a file is one of its routes, unless it names an asset.

    Only the demo has routes under ``/demo``.
    """

    def __init__(self, folder: Path, *, demo: bool = False) -> None:
        super().__init__(directory=folder, html=True)
        self._demo = demo

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file if it exists, otherwise the page."""
        try:
            response = await super().get_response(path, scope)
        except HTTPException as fault:
            if fault.status_code != HTTPStatus.NOT_FOUND:
                return refusal(Refused(Reason.METHOD_NOT_ALLOWED))
            if not self._is_route(path):
                return refusal(Refused(Reason.NOT_FOUND))
            response = await super().get_response("index.html", scope)
        response.headers["Cache-Control"] = _FOREVER if path.startswith("assets/") else _FRESH
        response.headers["Content-Security-Policy"] = PAGE_POLICY
        return response

    def _is_route(self, path: str) -> bool:
        folder, _, name = path.partition("/")
        if folder == "demo":
            return self._demo
        return folder != "assets" and "." not in (name or folder).rpartition("/")[2]
