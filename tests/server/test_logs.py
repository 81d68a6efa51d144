"""What must not be stored is taken out of every log entry."""

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog

from server.logs import redact, set_up_logs


@pytest.mark.parametrize(
    "entry",
    [
        {"event": "GET /j/tokentoken HTTP/1.1"},
        {"event": "x", "cookie": "tokentoken"},
        {"event": "x", "detail": "konsilium_prt_1=tokentoken"},
        {"event": "x", "path": "https://clinic.example/j/tokentoken?x=1"},
        {"event": "x", "api_key": "tokentoken"},
        {"event": "secret=tokentoken"},
        {"event": "whsec_tokentoken"},
    ],
)
def test_secrets_are_taken_out(entry: dict[str, object]) -> None:
    assert "tokentoken" not in str(redact(None, "info", entry))


def test_the_rest_stays() -> None:
    assert redact(None, "info", {"event": "request", "route": "/j/{token}", "status": 200})["status"] == 200


def test_a_terminal_is_shown_no_secrets_and_no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    with kept_logging():
        set_up_logs()
        patient = " ".join(("Анна", "Иванова"))
        try:
            raise ValueError(f"/j/tokentoken of {len(patient)} characters")
        except ValueError:
            structlog.get_logger("x").exception("failed", token="tokentoken")
    assert "ValueError" in terminal.getvalue()
    assert "tokentoken" not in terminal.getvalue()
    assert patient not in terminal.getvalue()


@contextmanager
def kept_logging() -> Iterator[None]:
    """Sets loggers back to what they were."""
    root, aiohttp_server = logging.getLogger(), logging.getLogger("aiohttp.server")
    handlers, level, filters = root.handlers[:], root.level, aiohttp_server.filters[:]
    try:
        yield
    finally:
        root.handlers, aiohttp_server.filters = handlers, filters
        root.setLevel(level)
        structlog.reset_defaults()
