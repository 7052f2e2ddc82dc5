"""One JSON object per line on standard error, or readable columns on a terminal; values are encoded, never pasted."""

import logging
import logging.handlers
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger, Processor


def configure(*, log_file: Path | None = None, pretty: bool | None = None, quiet: bool = False) -> None:
    """Set up structlog and the standard library's logging once, for the whole process."""
    pretty = sys.stderr.isatty() if pretty is None else pretty
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    columns = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=34)
    console = _handler(logging.StreamHandler(), shared, *((_escaped, columns) if pretty else (_json(),)))
    # A command that answers a person keeps its events for the log file.
    console.setLevel(logging.ERROR if quiet else logging.INFO)
    handlers: list[logging.Handler] = [console]
    if log_file is not None:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        # The file is rotated from outside (deploy/logrotate): workers that rotate it themselves drift apart.
        handlers.append(_handler(logging.handlers.WatchedFileHandler(log_file), shared, _json()))
    root = logging.getLogger()
    root.handlers = handlers
    root.setLevel(logging.INFO)
    for noisy in ("uvicorn.access", "httpx", "aiosqlite", "sqlalchemy.engine"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def logger(name: str) -> FilteringBoundLogger:
    """Return a logger whose methods take an event and named values."""
    # What it really is, a lazy proxy, has no type of its own.
    found: FilteringBoundLogger = structlog.get_logger(name)
    return found


def _json() -> Processor:
    return structlog.processors.JSONRenderer(ensure_ascii=True)


def _escaped(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Spell out what would begin a new line or steer the terminal; JSON does so by itself."""
    for name, value in event.items():
        if isinstance(value, str) and name != "exception":
            event[name] = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    return event


def _handler(handler: logging.Handler, shared: list[Processor], *renderers: Processor) -> logging.Handler:
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                *renderers,
            ],
        )
    )
    return handler
