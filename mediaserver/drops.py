"""Why a packet was not passed on. Every drop of the media worker has one of these reasons and is counted."""

from enum import StrEnum


class Drop(StrEnum):
    """The closed list of reasons; the values are the names under which statistics tell them."""

    # Arriving at the port
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    UNKNOWN_PROTOCOL = "unknown_protocol"
    KERNEL_BUFFER_FULL = "kernel_buffer_full"
    STUN_MALFORMED = "stun_malformed"
    STUN_UNKNOWN_USER = "stun_unknown_user"
    STUN_RATE_LIMITED = "stun_rate_limited"
    STUN_BAD_INTEGRITY = "stun_bad_integrity"
    STUN_ROLE_CONFLICT = "stun_role_conflict"
    DTLS_UNKNOWN_ADDRESS = "dtls_unknown_address"
    DTLS_REFUSED = "dtls_refused"
    MEDIA_UNKNOWN_ADDRESS = "media_unknown_address"
    MEDIA_BEFORE_KEYS = "media_before_keys"
    SRTP_AUTHENTICATION_FAILED = "srtp_authentication_failed"
    SRTP_REPLAYED = "srtp_replayed"
    TOO_MANY_SOURCES = "too_many_sources"

    # Leaving the port
    SEND_BEFORE_KEYS = "send_before_keys"
    SEND_TOO_LONG = "send_too_long"
    SEND_REFUSED = "send_refused"
    SEND_BUFFER_FULL = "send_buffer_full"
    SEND_FAILED = "send_failed"
    SEND_UNCONFIRMED_ADDRESS = "send_unconfirmed_address"


class DropCounter:
    """Counts drops by reason, for one worker."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[Drop, int] = dict.fromkeys(Drop, 0)

    def add(self, reason: Drop, number: int = 1) -> None:
        self.counts[reason] += number

    def report(self) -> dict[str, int]:
        """All reasons that occurred, by their names."""
        return {f"drop_{reason.value}": number for reason, number in self.counts.items() if number}
