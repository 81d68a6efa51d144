"""What must not be stored is taken out of every log entry."""

import pytest

from server.logs import redact


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
