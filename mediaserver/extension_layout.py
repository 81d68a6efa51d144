"""Where header extensions lie in one stream's packets, so that not every packet has to be walked through.

A sender writes the same elements in the same order for seconds at a time; only their data changes. A layout is the
extension block seen as one number: the bits that must be the same (profile, length, each element's id and length,
padding), and where the data is that we read.
"""

from __future__ import annotations

from mediaserver.rtp import EXTENSION_HEADER, HEADER_LENGTH, LARGEST_ONE_BYTE_ID, ONE_BYTE_PROFILE

Layout = tuple[int, int, int, int, int]
"""Where the payload begins, mask, pattern, and by how many bits to shift the block for the last byte of transport-cc's
number and of the audio level; `ABSENT` for what is not there. Fits when `block & mask == pattern`, the block being
everything from the fixed header's end to the payload, as one big-endian number."""

ABSENT = -1
FITS_NOTHING: Layout = (HEADER_LENGTH, 0, ABSENT, ABSENT, ABSENT)

_TRANSPORT_CC_OCTETS = 2
_MOST_KNOWN = 256

_known: dict[Layout, Layout] = {}
"""One copy of each for all streams: what every packet reads stays in the processor's cache."""


def learn_layout(packet: bytes, start: int, transport_cc_id: int, level_id: int) -> Layout:
    """Of a packet without CSRCs whose payload begins at `start`, behind a whole extension block.

    `FITS_NOTHING` when it has to be walked through each time: two-byte headers (RFC 8285 section 4.3), which nobody
    sends unasked, and whatever is not quite right.
    """
    profile, words = EXTENSION_HEADER.unpack_from(packet, HEADER_LENGTH)
    at = HEADER_LENGTH + EXTENSION_HEADER.size
    if profile != ONE_BYTE_PROFILE or start != at + 4 * words:
        return FITS_NOTHING
    fixed = bytearray(b"\xff" * (start - HEADER_LENGTH))
    transport_cc_shift = level_shift = ABSENT
    while at < start:
        head = packet[at]
        at += 1
        if not head:
            continue
        identity, octets = head >> 4, (head & 0x0F) + 1
        if identity > LARGEST_ONE_BYTE_ID or at + octets > start:
            return FITS_NOTHING
        if identity == transport_cc_id and octets < _TRANSPORT_CC_OCTETS:
            return FITS_NOTHING
        fixed[at - HEADER_LENGTH : at - HEADER_LENGTH + octets] = bytes(octets)
        if identity == transport_cc_id and transport_cc_shift == ABSENT:
            transport_cc_shift = 8 * (start - at - _TRANSPORT_CC_OCTETS)
        elif identity == level_id and level_shift == ABSENT:
            level_shift = 8 * (start - at - 1)
        at += octets
    mask = int.from_bytes(fixed, "big")
    pattern = int.from_bytes(packet[HEADER_LENGTH:start], "big") & mask
    layout = start, mask, pattern, transport_cc_shift, level_shift
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    return _known.setdefault(layout, layout)
