"""Responses: JSON on success, problem details on refusal (RFC 9457)."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from focys.domain.outcome import Reason, Refused
from focys.infra.crypto.hashing import BusyError
from focys.infra.ops import metrics
from focys.infra.ops.logs import logger

MEDIA_TYPE = "application/problem+json"
UNAVAILABLE_RETRY_SECONDS = 5

_log = logger("focys.http")

# A slow or absent database causes these two, so their series start at zero; others appear when first counted.
for _kind in (TimeoutError, ConnectionRefusedError):
    metrics.DATABASE_FAULTS.labels(_kind.__name__)


_BY_STATUS = {
    HTTPStatus.NOT_FOUND: Reason.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: Reason.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Reason.PAYLOAD_TOO_LARGE,
}


class FieldProblem(BaseModel):
    """An invalid field in the request, without its value."""

    field: str
    message: str


class Problem(BaseModel):
    """The body of every error response (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: Reason
    retry_after: int | None = None
    tries_left: int | None = None
    next_pause: int | None = None
    minutes_ago: int | None = None
    step: str | None = None
    errors: list[FieldProblem] | None = None
    failing: list[str] | None = None


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {"description": "Problem", "content": {MEDIA_TYPE: {}}, "model": Problem}
}


class RefusedError(Exception):
    """Raised only by dependencies of routes to refuse a request; other code returns its refusals."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason)
        self.refused = refused


def reply(body: BaseModel, *, status_code: int = HTTPStatus.OK, exclude_none: bool = False) -> Response:
    """Return a success response, skipping FastAPI's second validation."""
    content = body.model_dump_json(exclude_none=exclude_none)
    return Response(content, status_code, media_type="application/json")


def refusal(refused: Refused, *, errors: Sequence[FieldProblem] = (), failing: Sequence[str] = ()) -> Response:
    """Return a refusal as a problem+json response."""
    status = HTTPStatus(refused.reason.status)
    problem = Problem(
        type=f"urn:focys:problem:{refused.reason}",
        title=status.phrase,
        status=status,
        detail=refused.detail,
        code=refused.reason,
        retry_after=refused.retry_after,
        tries_left=refused.tries_left,
        next_pause=refused.next_pause,
        minutes_ago=refused.minutes_ago,
        step=refused.step,
        errors=list(errors) or None,
        failing=list(failing) or None,
    )
    headers = {} if refused.retry_after is None else {"Retry-After": str(refused.retry_after)}
    if refused.reason is Reason.NOT_AUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(problem.model_dump(exclude_none=True), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Turn every error into problem details: invalid fields by name, exceptions without internals."""
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RefusedError, _on_refused)
    app.add_exception_handler(BusyError, _on_busy)
    for fault in (SQLAlchemyError, OSError, TimeoutError, PoolTimeoutError):
        app.add_exception_handler(fault, _on_database)


async def _on_validation(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)  # noqa: S101  registered for it
    errors = [FieldProblem(field=_field_of(e["loc"]), message=_message_of(e)) for e in fault.errors()]
    return refusal(Refused(Reason.INVALID_REQUEST), errors=errors)


async def _on_http(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)  # noqa: S101  registered for it
    reason = _BY_STATUS.get(HTTPStatus(fault.status_code), Reason.INVALID_REQUEST)
    response = refusal(Refused(reason))
    response.headers.update(fault.headers or {})
    return response


async def _on_refused(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RefusedError)  # noqa: S101  registered for it
    return refusal(fault.refused)


async def _on_busy(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, BusyError)  # noqa: S101  registered for it
    return refusal(Refused(Reason.BUSY, retry_after=fault.retry_after))


async def _on_database(_request: Request, fault: Exception) -> Response:
    if isinstance(fault, DataError | IntegrityError | ProgrammingError):
        raise fault
    if isinstance(fault, PoolTimeoutError):
        return refusal(Refused(Reason.BUSY, retry_after=BusyError.retry_after))
    # The driver's message may contain values, so only its type is logged.
    cause = type(fault.orig).__name__ if isinstance(fault, DBAPIError) else type(fault).__name__
    _log.error("database_unavailable", cause=cause)
    metrics.DATABASE_FAULTS.labels(cause).inc()
    return refusal(Refused(Reason.UNAVAILABLE, retry_after=UNAVAILABLE_RETRY_SECONDS))


def where(fault: BaseException) -> str:
    """Return file and line only, because a full traceback may contain user input."""
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown"


def _field_of(location: Sequence[object]) -> str:
    parts = [str(part) for part in location if part not in {"body", "query", "path", "header", "cookie"}]
    name = ".".join(parts)
    # The name of an unknown field is user input, too.
    return name if re.fullmatch(r"[A-Za-z0-9_.]{1,64}", name) else "body"


def _message_of(error: Mapping[str, Any]) -> str:
    known = {
        "missing": "This field is required.",
        "extra_forbidden": "This field is unknown.",
        "json_invalid": "This is not valid JSON.",
        "string_type": "This must be text.",
        "string_too_long": "This is too long.",
        "string_too_short": "This is too short.",
        "too_long": "This has too many items.",
        "too_short": "This has too few items.",
        "model_attributes_type": "This must be a JSON object.",
    }
    if error["type"] == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    return known.get(str(error["type"]), "This value is invalid.")
