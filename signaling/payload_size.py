"""How large a decoded JSON payload is, measured without encoding it again."""

from contract.errors import ErrorCode, InputError

MAXIMUM_PAYLOAD = 64 * 1024
"""Characters and values of one command; the largest honest one, an offer for eight people, has some 30 thousand."""

MAXIMUM_PACKET = 2 * MAXIMUM_PAYLOAD
"""Bytes of one packet; a socket that sends more is closed by the transport before anything is decoded."""


def check_size(payload: object) -> None:
    """Raises `InputError(TOO_LARGE)` for more than `MAXIMUM_PAYLOAD`."""
    size = 0
    waiting = [payload]
    while waiting:
        value = waiting.pop()
        size += len(value) if isinstance(value, str | bytes) else 1
        if size > MAXIMUM_PAYLOAD:
            raise InputError(ErrorCode.TOO_LARGE, f"a message may have {MAXIMUM_PAYLOAD} characters")
        if isinstance(value, dict):
            waiting.extend(value.keys())
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
