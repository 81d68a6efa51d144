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
    RTP_BEFORE_START = 7
    RTX_UNUSABLE = 8
    RTCP_MALFORMED = 9
    RTCP_TOO_LONG = 10
    RETRANSMISSION_UNKNOWN = 11
    RETRANSMISSION_TOO_OFTEN = 12


class Drops:
    """Counters by reason, one instance a worker."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts = [0] * len(Drop)

    def snapshot(self) -> dict[str, int]:
        return {f"dropped_{reason.name.lower()}": self.counts[reason] for reason in Drop}
