"""The error tree. Every error that may cross a border has a code from one closed list.

HTTP answers carry it as `application/problem+json` (RFC 9457), the socket's acknowledgements as
`{"ok": false, "error": {...}}`; the words for people live in the web client's catalogue, by code.
"""

from enum import StrEnum
from http import HTTPStatus


class ErrorCode(StrEnum):
    """Why a request was refused. Admission refusals use `rooms.admission.VerdictCode` values besides."""

    BAD_MESSAGE = "bad_message"
    UNKNOWN_MESSAGE = "unknown_message"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    NOT_ADMITTED = "not_admitted"
    SESSION_REQUIRED = "session_required"
    SESSION_EXPIRED = "session_expired"
    ORIGIN_REFUSED = "origin_refused"
    NOT_IN_ROOM = "not_in_room"
    ALREADY_INSIDE = "already_inside"
    TAKEN_OVER = "taken_over"
    ROOM_FULL = "room_full"
    SCREEN_IN_USE = "screen_in_use"
    BAD_OFFER = "bad_offer"
    STALE_OFFER = "stale_offer"
    MEDIA_UNAVAILABLE = "media_unavailable"
    DRAINING = "draining"
    SLOW_CONSUMER = "slow_consumer"
    SIGNATURE_INVALID = "signature_invalid"
    SIGNATURE_STALE = "signature_stale"
    PAYLOAD_INVALID = "payload_invalid"
    INTERNAL = "internal"


class KonsiliumError(Exception):
    """Base of all errors that may be told to the other side. `detail` is plain text without personal data."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, code: ErrorCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


class InputError(KonsiliumError):
    """What was sent can't be understood: wrong shape, too large, out of order."""

    status = HTTPStatus.BAD_REQUEST


class IdentityError(KonsiliumError):
    """We do not know who asks: no session, an expired one, a bad signature."""

    status = HTTPStatus.UNAUTHORIZED


class AccessError(KonsiliumError):
    """We know who asks, and they may not."""

    status = HTTPStatus.FORBIDDEN


class MissingError(KonsiliumError):
    """What was named does not exist, or not for this asker."""

    status = HTTPStatus.NOT_FOUND


class ConflictError(KonsiliumError):
    """The request is fine but not in the present state."""

    status = HTTPStatus.CONFLICT


class LimitError(KonsiliumError):
    """A bound was reached: too many, too fast, too large."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class UnavailableError(KonsiliumError):
    """A part of the system is not there just now; trying again makes sense."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
