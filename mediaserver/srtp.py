"""SRTP (RFC 3711, RFC 7714) through libsrtp, in place: in the memory that the kernel wrote to, or will read from.

pylibsrtp's own methods allocate an integer and copy twice for each packet; calling the library's functions directly
saves about a third of what encryption costs. This and `places.py` are the only files that know pylibsrtp's inner names;
a contract test compares them with pylibsrtp's own methods.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import pylibsrtp
from pylibsrtp._binding import ffi, lib

from mediaserver.places import LONGEST_PACKET, Place

_length = ffi.new("int *")
_lengths = memoryview(ffi.buffer(_length)).cast("B").cast("i")

_TAG_OCTETS = {pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80: 10, pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM: 16}
"""What encryption adds: so that the length need not be asked for, which costs as much as a function call."""
_RTCP_INDEX_OCTETS = 4

Protect = Callable[[Any, int], int]
"""(libsrtp's pointer to the packet, its length) → the length of the encrypted packet in its stead."""
Unprotect = Callable[[Place, int], bytes]
"""(where the packet lies, its length) → the plain packet."""


class SrtpSession:
    """One direction of one transport's SRTP. `protect`, `protect_rtcp`, `unprotect`, `unprotect_rtcp` raise
    `ValueError` for a packet that is too long, `pylibsrtp.Error` when libsrtp refuses."""

    __slots__ = ("_session", "protect", "protect_rtcp", "unprotect", "unprotect_rtcp")

    def __init__(self, policy: pylibsrtp.Policy) -> None:
        session = self._session = pylibsrtp.Session(policy)
        added = _TAG_OCTETS[policy.srtp_profile]
        added_to_rtcp = added + _RTCP_INDEX_OCTETS
        self.protect: Protect = _protector(session, lib.srtp_protect, added)
        self.protect_rtcp: Protect = _protector(session, lib.srtp_protect_rtcp, added_to_rtcp)
        self.unprotect: Unprotect = _unprotector(session, lib.srtp_unprotect, added)
        self.unprotect_rtcp: Unprotect = _unprotector(session, lib.srtp_unprotect_rtcp, added_to_rtcp)

    def remove_stream(self, ssrc: int) -> None:
        """Frees what libsrtp keeps of this SSRC, its replay window included. Raises `pylibsrtp.Error`."""
        self._session.remove_stream(ssrc)


def _protector(session: pylibsrtp.Session, function: Callable[[Any, Any, Any], int], added: int) -> Protect:
    handle = session._srtp[0]

    # The default keeps libsrtp's memory alive for as long as this function is.
    def protect(pointer: Any, length: int, _owner: pylibsrtp.Session = session) -> int:
        if length > LONGEST_PACKET:
            raise ValueError("packet is too long")
        _lengths[0] = length
        if status := function(handle, pointer, _length):
            _refuse(status)
        return length + added

    return protect


def _unprotector(session: pylibsrtp.Session, function: Callable[[Any, Any, Any], int], added: int) -> Unprotect:
    handle = session._srtp[0]

    def unprotect(place: Place, length: int, _owner: pylibsrtp.Session = session) -> bytes:
        if length > LONGEST_PACKET:
            raise ValueError("packet is too long")
        _lengths[0] = length
        if status := function(handle, place.pointer, _length):
            _refuse(status)
        plain: bytes = place.content[: length - added]
        return plain

    return unprotect


def _refuse(status: int) -> NoReturn:
    raise pylibsrtp.Error(pylibsrtp.ERRORS[status])
