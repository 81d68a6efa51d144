"""Is this webhook genuine? Standard Webhooks signatures, with the secret of the clinic that it names."""

from collections.abc import Mapping

import msgspec
from standardwebhooks import Webhook, WebhookVerificationError

from booking_bridge.events import BookingEvent, UnverifiedEnvelope
from contract.errors import ErrorCode, IdentityError, InputError

MAXIMUM_BODY_BYTES = 64 * 1024
MAXIMUM_ID_LENGTH = 200
LONGEST_DETAIL = 300
_DECODER: msgspec.json.Decoder[BookingEvent] = msgspec.json.Decoder(BookingEvent)
_NOBODYS_SECRET = "whsec_bm9ib2R5LWtub3dzLXRoaXMtb25lLWF0LWFsbA=="  # noqa: S105 - signs nothing


def named_clinic(body: bytes) -> str:
    """The clinic that a still unverified body names. Raises `InputError` TOO_LARGE or PAYLOAD_INVALID."""
    if len(body) > MAXIMUM_BODY_BYTES:
        raise InputError(ErrorCode.TOO_LARGE, f"a webhook has at most {MAXIMUM_BODY_BYTES} bytes")
    try:
        return msgspec.json.decode(body, type=UnverifiedEnvelope).data.clinic
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InputError(ErrorCode.PAYLOAD_INVALID, "the body is not a JSON event that names its clinic") from None


def verify(headers: Mapping[str, str], body: bytes, secret: str | None) -> str:
    """The verified `webhook-id`. An unknown clinic (`secret` None) fails exactly like a bad signature.

    Raises `IdentityError` SIGNATURE_INVALID, or SIGNATURE_STALE when the timestamp is over 300 s off.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        Webhook(secret or _NOBODYS_SECRET).verify(body, lowered, json_parse=False)
    except WebhookVerificationError as error:
        stale = "timestamp too" in str(error)
        code = ErrorCode.SIGNATURE_STALE if stale else ErrorCode.SIGNATURE_INVALID
        raise IdentityError(code, "the timestamp is too far off" if stale else "the signature does not match") from None
    except ValueError:
        # Headers that are not even shaped like a signature.
        raise IdentityError(ErrorCode.SIGNATURE_INVALID, "the signature does not match") from None
    webhook_id = lowered["webhook-id"]
    if secret is None or len(webhook_id) > MAXIMUM_ID_LENGTH:
        raise IdentityError(ErrorCode.SIGNATURE_INVALID, "the signature does not match")
    return webhook_id


def parse_event(body: bytes) -> BookingEvent:
    """The event of a verified body. Raises `InputError(PAYLOAD_INVALID)` saying what is wrong; to the sender alone."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(ErrorCode.PAYLOAD_INVALID, str(error)[:LONGEST_DETAIL]) from None
