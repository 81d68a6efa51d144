"""The shape of every acknowledgement: `{"ok": true, "result": …}` or `{"ok": false, "error": …}`."""

from typing import Any

import msgspec

from contract.errors import ErrorCode
from contract.messages import Message
from rooms.messages import VerdictView

Acknowledgement = dict[str, Any]
"""Plain JSON builtins, as they go over the wire."""

MAXIMUM_DETAIL = 200


class ErrorView(Message, frozen=True):
    """Why a command was refused. `detail` is for people who support the system, never for patients."""

    code: ErrorCode
    detail: str
    verdict: VerdictView | None = None
    """Present with `not_admitted`: everything the join page needs."""


def success(result: Message) -> Acknowledgement:
    """The command was done."""
    return {"ok": True, "result": msgspec.to_builtins(result)}


def failure(code: ErrorCode, detail: str = "", verdict: VerdictView | None = None) -> Acknowledgement:
    """The command was refused."""
    view = ErrorView(code=code, detail=detail[:MAXIMUM_DETAIL], verdict=verdict)
    return {"ok": False, "error": msgspec.to_builtins(view)}
