"""RTP headers (RFC 3550 section 5.1), header extensions (RFC 8285) and sequence arithmetic (RFC 3550 appendix A.1)."""

import struct

HEADER_LENGTH = 12
MAXIMUM_INCOMING = 1500
"""Longer packets are dropped before libsrtp sees them."""

VERSION_MASK = 0xC000
VERSION_2 = 0x8000
PADDING = 0x2000
EXTENSION = 0x1000
CSRC_COUNT = 0x0F00
MARKER = 0x0080
KEPT_FLAGS = PADDING | MARKER
"""Bits of the first 16 that describe the payload, not the hop."""

ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000
LARGEST_ONE_BYTE_ID = 14
LONGEST_ONE_BYTE_DATA = 16
MOST_EXTENSION_WORDS = 64
"""Of 32 bits: browsers fill some 10. A block is walked through octet by octet, which costs more than all the rest."""

HEADER = struct.Struct("!HHII")
"""First 16 bits (version, padding, extension, CSRC count, marker, payload type), sequence, timestamp, SSRC."""
EXTENSION_HEADER = struct.Struct("!HH")
"""Profile, length in 32-bit words."""


def unwrap(sequence: int, near: int) -> int:
    """The unbounded index nearest to `near` whose low 16 bits are `sequence`."""
    return near + ((sequence - near + 0x8000) & 0xFFFF) - 0x8000


def csrc_length(first: int) -> int:
    """Bytes of the CSRC list, from the header's first 16 bits."""
    return (first >> 6) & 0x3C


def find_extension(packet: bytes, profile: int, start: int, end: int, wanted: int) -> int:
    """Where the data of element `wanted` begins within `packet[start:end]`; 0 when it is absent or cut short."""
    if profile == ONE_BYTE_PROFILE:
        while start < end:
            head = packet[start]
            if head == 0:
                start += 1
                continue
            following = start + 2 + (head & 0x0F)
            if head >> 4 == wanted:
                return start + 1 if following <= end else 0
            if head >> 4 > LARGEST_ONE_BYTE_ID:
                return 0
            start = following
    elif profile & 0xFFF0 == TWO_BYTE_PROFILE:
        while start + 1 < end:
            if packet[start] == 0:
                start += 1
                continue
            following = start + 2 + packet[start + 1]
            if packet[start] == wanted:
                return start + 2 if packet[start + 1] and following <= end else 0
            start = following
    return 0


def extension_value(packet: bytes, wanted: int) -> bytes:
    """The data of one extension element of a whole packet; empty when absent or malformed. For the slow path."""
    first = HEADER.unpack_from(packet)[0]
    at = HEADER_LENGTH + csrc_length(first)
    if not wanted or not first & EXTENSION or len(packet) < at + 4:
        return b""
    profile, words = EXTENSION_HEADER.unpack_from(packet, at)
    start, end = at + 4, at + 4 + 4 * words
    if end > len(packet) or words > MOST_EXTENSION_WORDS:
        return b""
    found = find_extension(packet, profile, start, end, wanted)
    if not found:
        return b""
    length = (packet[found - 1] & 0x0F) + 1 if profile == ONE_BYTE_PROFILE else packet[found - 1]
    return packet[found : found + length]


def payload_offset(packet: bytes) -> int:
    """Where the payload of an already validated packet begins."""
    first = HEADER.unpack_from(packet)[0]
    at = HEADER_LENGTH + csrc_length(first)
    if first & EXTENSION:
        at += 4 + 4 * EXTENSION_HEADER.unpack_from(packet, at)[1]
    return at
