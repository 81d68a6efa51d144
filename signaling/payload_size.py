"""What a decoded JSON payload may hold: how much (measured without encoding it again), and which values."""

from contract.errors import ErrorCode, InputError

MAXIMUM_PAYLOAD = 64 * 1024
"""Characters and values of one command; the largest honest one, an offer for eight people, has some 30 thousand."""

MAXIMUM_PACKET = 2 * MAXIMUM_PAYLOAD
"""Bytes of one packet; a socket that sends more is closed by the transport before anything is decoded."""


LARGEST_INTEGER = 2**53 - 1
"""What every JSON reader understands (RFC 8259 section 6); more could not be passed on to a worker either."""


def check_payload(payload: object) -> None:
    """Raises `InputError(TOO_LARGE)` for more than `MAXIMUM_PAYLOAD`, and `BAD_MESSAGE` for values that JSON can write
    but nobody can store or pass on: half a surrogate pair, immense integers."""
    size = 0
    waiting = [payload]
    while waiting:
        value = waiting.pop()
        size += len(value) if isinstance(value, str | bytes) else 1
        if size > MAXIMUM_PAYLOAD:
            raise InputError(ErrorCode.TOO_LARGE, f"a message may have {MAXIMUM_PAYLOAD} characters")
        if isinstance(value, str) and not value.isascii() and any("\ud800" <= one <= "\udfff" for one in value):
            raise InputError(ErrorCode.BAD_MESSAGE, "a text is not valid Unicode")
        if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
            raise InputError(ErrorCode.BAD_MESSAGE, "a number is too large")
        if isinstance(value, dict):
            waiting.extend(value.keys())
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
