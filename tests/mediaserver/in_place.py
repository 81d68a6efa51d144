"""SRTP of packets that lie anywhere: as `SrtpSession` works on places, so do the tests' own."""

from mediaserver.places import HEADROOM, LONGEST_PACKET, Places
from mediaserver.srtp import Handle, Protect, Unprotect

_place = Places(1).each[0]
_outgoing = Places(1, HEADROOM).each[0]


def protect(function: Protect, handle: Handle, packet: bytes) -> bytes:
    if len(packet) <= LONGEST_PACKET:
        _outgoing.view[HEADROOM : HEADROOM + len(packet)] = packet
    return bytes(_outgoing.content[HEADROOM : HEADROOM + function(handle, _outgoing.pointer, len(packet))])


def unprotect(function: Unprotect, handle: Handle, packet: bytes) -> bytes:
    if len(packet) <= LONGEST_PACKET:
        _place.view[: len(packet)] = packet
    return function(handle, _place, len(packet))
