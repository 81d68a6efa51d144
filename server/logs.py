"""Structured logs on standard error: readable on a terminal, JSON otherwise. No tokens, secrets or names of people."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

_SECRET_PATH = re.compile(r"(/j/|konsilium_|whsec_|token=|secret=)[^\s\"'?&]+")
_SECRET_KEYS = frozenset(
    {"token", "secret", "cookie", "authorization", "api_key", "name", "sdp", "username", "credential"}
)


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Takes what must not be stored out of a log entry, wherever it came from."""
    for key, value in event.items():
        if key in _SECRET_KEYS:
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = _SECRET_PATH.sub(r"\1[redacted]", value)
    return event


class UnparsableRequests(logging.Filter):
    """For aiohttp's own logger: what is no HTTP is one line without a traceback, and without the bytes that came,
    which may be a link."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, ConnectionError):
            # Somebody hung up in the middle of a request; the access log has it.
            return False
        if not isinstance(error, HttpProcessingError | web.RequestPayloadError):
            return True
        record.msg = f"unparsable request refused: {type(error).__name__}"
        record.args = ()
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def set_up_logs() -> None:
    """Sends our entries and those of libraries through one chain."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    readable = sys.stderr.isatty()
    # A plain traceback, made before secrets are taken out: the renderer's own would show every local variable.
    rendering: list[structlog.types.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if readable
        else structlog.processors.JSONRenderer(),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=rendering, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("aiosqlite", "alembic", "sqlalchemy", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(UnparsableRequests())
