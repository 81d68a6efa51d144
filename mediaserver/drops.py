"""Why packets are dropped: one closed list, counted, never logged one by one."""

from enum import IntEnum


class Drop(IntEnum):
    """Each packet that we do not act on falls under exactly one of these. Told as `dropped_<name>`."""

    RTP_MALFORMED = 0
    RTP_TOO_LONG = 1
    RTP_UNKNOWN_STREAM = 2
    RTP_TOO_MANY_STREAMS = 3
    RTP_UNKNOWN_FORMAT = 4
    RTP_DUPLICATE = 5
    RTP_TOO_LATE = 6
    RTX_UNUSABLE = 7
    RTCP_MALFORMED = 8
    RTCP_TOO_LONG = 9
    RETRANSMISSION_UNKNOWN = 10
    RETRANSMISSION_TOO_OFTEN = 11
    RTP_UNKNOWN_LAYER = 12
    RED_MALFORMED = 13
    RTP_LEAPS_TOO_OFTEN = 14
    RTCP_TOO_MUCH = 15
    KEYFRAME_TOO_OFTEN = 16
    RTP_TOO_MUCH_SOUND = 17
    LATE_FOR_SUBSCRIBER = 18
    """Each packet once for each subscriber that began with a later one."""
    ARRIVAL_NOT_TOLD = 19
    """The packet was taken, but transport-cc has no room for it."""
    RETRANSMISSION_TOO_MANY = 30
    RETRANSMISSION_OUTDATED = 35
    """On a full link: older than the keyframe that the subscriber's decoder begins anew with."""

    # Arriving at the port and leaving it
    TOO_SHORT = 100
    TOO_LONG = 101
    UNKNOWN_PROTOCOL = 102
    KERNEL_BUFFER_FULL = 103
    STUN_MALFORMED = 104
    STUN_UNKNOWN_USER = 105
    STUN_RATE_LIMITED = 106
    STUN_BAD_INTEGRITY = 107
    STUN_ROLE_CONFLICT = 108
    DTLS_UNKNOWN_ADDRESS = 109
    DTLS_REFUSED = 110
    MEDIA_UNKNOWN_ADDRESS = 111
    MEDIA_BEFORE_KEYS = 112
    SRTP_AUTHENTICATION_FAILED = 113
    SRTP_REPLAYED = 114
    SRTP_TOO_MANY_SOURCES = 115
    SEND_BEFORE_KEYS = 116
    SEND_TOO_LONG = 117
    SEND_REFUSED = 118
    SEND_BUFFER_FULL = 119
    SEND_FAILED = 120
    SEND_UNCONFIRMED_ADDRESS = 121
    FAULT = 122
    SEND_WITHOUT_WAY = 123
    MEDIA_TOO_MANY_PACKETS = 124

    # TCP connections, and frames that one has no room for
    TCP_TOO_MANY_CONNECTIONS = 140
    TCP_NO_CHECK_IN_TIME = 141
    TCP_NOT_VERIFIED = 142
    TCP_FRAME_TOO_LONG = 143
    TCP_BACKLOG_VIDEO = 144
    TCP_BACKLOG_FULL = 145
    TCP_SHORT_FRAMES = 146
    TCP_CONNECTION_ENDED = 147


class Drops:
    """Counters by reason, one instance a worker."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts = [0] * (max(Drop) + 1)

    def snapshot(self) -> dict[str, int]:
        return {f"dropped_{reason.name.lower()}": self.counts[reason] for reason in Drop}
