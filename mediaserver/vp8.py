"""The VP8 payload descriptor (RFC 7741 section 4.2): read, and written with other numbers. Nothing is decoded."""

from __future__ import annotations

from typing import NamedTuple

ABSENT = -1
PICTURE_BITS = 15
SHORT_PICTURE_BITS = 7
TEMPORAL_LAYERS = 4
"""TID has two bits."""

_EXTENDED = 0x80
_HAS_PICTURE = 0x80
_HAS_TL0 = 0x40
_HAS_TEMPORAL = 0x20
_HAS_KEY = 0x10
_WIDE = 0x80
_SYNC = 0x20

DESCRIPTOR_OCTETS = 7
"""The first octets of a payload, of which `read_descriptor` needs no more: the longest descriptor and what follows."""


class Descriptor(NamedTuple):
    """`ABSENT` for a number that the packet does not carry."""

    length: int
    """Octets before the VP8 payload."""
    picture: int
    picture_bits: int
    tl0: int
    """TL0PICIDX: counts the pictures of the lowest temporal layer."""
    temporal: int
    """TID; `ABSENT`: the picture belongs to no layer and is always needed."""
    sync: bool
    """Y: needs nothing but the lowest temporal layer."""
    key: int
    """KEYIDX."""


class PictureNumbers(NamedTuple):
    """The running numbers of one picture."""

    picture: int = ABSENT
    tl0: int = ABSENT
    key: int = ABSENT


def read_descriptor(payload: bytes) -> Descriptor | None:
    """None without the extended part that carries numbers, and for a payload that is cut short."""
    if len(payload) < 2 or not payload[0] & _EXTENDED:
        return None
    extension = payload[1]
    at = 2
    picture, bits, tl0, temporal, sync, key = ABSENT, SHORT_PICTURE_BITS, ABSENT, ABSENT, False, ABSENT
    try:
        if extension & _HAS_PICTURE:
            picture = payload[at]
            at += 1
            if picture & _WIDE:
                bits = PICTURE_BITS
                picture = (picture & 0x7F) << 8 | payload[at]
                at += 1
        if extension & _HAS_TL0:
            tl0 = payload[at]
            at += 1
        if extension & (_HAS_TEMPORAL | _HAS_KEY):
            octet = payload[at]
            at += 1
            if extension & _HAS_TEMPORAL:
                temporal, sync = octet >> 6, bool(octet & _SYNC)
            if extension & _HAS_KEY:
                key = octet & 0x1F
    except IndexError:
        return None
    return Descriptor(at, picture, bits, tl0, temporal, sync, key) if at < len(payload) else None


def write_tail(payload: bytes, read: Descriptor, numbers: PictureNumbers) -> bytes:
    """The descriptor but for its first octet, as long as it was, with other numbers in the place of those it has."""
    tail = bytearray(payload[1 : read.length])
    at = 1
    if read.picture != ABSENT:
        if read.picture_bits == PICTURE_BITS:
            tail[at] = _WIDE | numbers.picture >> 8 & 0x7F
            at += 1
            tail[at] = numbers.picture & 0xFF
        else:
            tail[at] = numbers.picture & 0x7F
        at += 1
    if read.tl0 != ABSENT:
        tail[at] = numbers.tl0 & 0xFF
        at += 1
    if read.key != ABSENT:
        tail[at] = tail[at] & 0xE0 | numbers.key & 0x1F
    return bytes(tail)


def begins_picture(payload: bytes) -> bool:
    """S and partition index 0: the first packet of a picture."""
    return payload[0] & 0x17 == 0x10


def temporal_layer(payload: bytes) -> int:
    """TID, 0 for a picture of no layer."""
    read = read_descriptor(payload)
    return max(0, read.temporal) if read is not None else 0
