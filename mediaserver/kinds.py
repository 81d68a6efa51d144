"""What a datagram is, by its first two bytes (RFC 7983, RFC 5761 section 4)."""

import sys

OTHER, RTP, RTCP = 0, 1, 2


def kind_of(first: int, second: int) -> int:
    """By the first byte media is told from STUN and DTLS, by the second RTCP from RTP."""
    if not 127 < first < 192:
        return OTHER
    return RTCP if 191 < second < 224 else RTP


KINDS = bytes(kind_of(*word.to_bytes(2, sys.byteorder)) for word in range(1 << 16))
"""By both bytes as one number in the machine's order."""
