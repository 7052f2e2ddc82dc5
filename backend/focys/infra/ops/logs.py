"""Logs: one JSON object per line on standard error, or columns on a terminal; values are always escaped."""

import logging
import sys
from contextvars import ContextVar
from functools import partialmethod
from pathlib import Path

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from focys.infra.ops.console import UnblockedHandler
from focys.infra.ops.log_file import open_log

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The ID of the current request; every event logged while it is served includes it."""


def _with_request_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    request_id = REQUEST_ID.get()
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


_SHARED: tuple[Processor, ...] = (
    _with_request_id,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)


def configure(*, log_file: Path | None = None, pretty: bool | None = None, quiet: bool = False) -> None:
    """Set up structlog and the standard library's logging once, for the whole process.

    Raises:
        SettingsError: the log file cannot be written.
    """
    pretty = sys.stderr.isatty() if pretty is None else pretty
    structlog.configure(
        processors=[*_SHARED, lambda _logger, _method, event: ((event,), {})],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_Lines,
        cache_logger_on_first_use=True,
    )
    columns = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=34)
    console = _handler(UnblockedHandler(), *((_escaped, columns) if pretty else (_json(),)))
    # Commands print their own results, so only errors are logged to the terminal.
    console.setLevel(logging.ERROR if quiet else logging.INFO)
    handlers: list[logging.Handler] = [console]
    if log_file is not None:
        handlers.append(_handler(open_log(log_file), _json()))
    root = logging.getLogger()
    root.handlers = handlers
    root.setLevel(logging.INFO)
    for noisy in ("uvicorn.access", "httpx", "aiosqlite", "sqlalchemy.engine"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def check_writable(log_file: Path) -> None:
    """Open the log file as the service will, and close it.

    Raises:
        SettingsError: it cannot be written.
    """
    open_log(log_file).close()


def logger(name: str) -> FilteringBoundLogger:
    """Return a logger whose methods take an event and keyword arguments."""
    # get_logger returns an untyped lazy proxy.
    found: FilteringBoundLogger = structlog.get_logger(name)
    return found


def _json() -> Processor:
    return structlog.processors.JSONRenderer(ensure_ascii=True)


def _escaped(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Escape line breaks and terminal control characters; the JSON renderer does that itself."""
    for name, value in event.items():
        if isinstance(value, str) and name != "exception":
            event[name] = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    return event


def _handler(handler: logging.Handler, *renderers: Processor) -> logging.Handler:
    handler.setFormatter(_Formatter(renderers))
    return handler


class _Lines:
    """Passes our events to the standard library's handlers.

    A standard library logger looks up the calling line for each event, and structlog's formatter builds each record a
    second time. Skipping both halves the cost of a log line.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def _handle(self, level: int, event: EventDict) -> None:
        logging.getLogger().handle(logging.LogRecord(self._name, level, "", 0, event, None, None))

    info = partialmethod(_handle, logging.INFO)
    warning = partialmethod(_handle, logging.WARNING)
    error = partialmethod(_handle, logging.ERROR)
    critical = partialmethod(_handle, logging.CRITICAL)


class _Formatter(logging.Formatter):
    """Formats our events and library logs alike."""

    def __init__(self, renderers: tuple[Processor, ...]) -> None:
        super().__init__()
        self._renderers = renderers

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: EventDict = dict(record.msg) if isinstance(record.msg, dict) else _logged_by_a_library(record)
        for render in self._renderers:
            line = render(None, record.levelname, line)  # type: ignore[assignment]
        return str(line)


def _logged_by_a_library(record: logging.LogRecord) -> EventDict:
    event: EventDict = {"event": record.getMessage(), "exc_info": record.exc_info}
    for process in _SHARED:
        event = process(None, record.levelname.lower(), event)  # type: ignore[assignment]
    return event
