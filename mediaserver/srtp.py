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

Protect = Callable[[Any, int], int]
"""(libsrtp's pointer to the packet, its length) → the length of the encrypted packet in its stead."""
Unprotect = Callable[[Place, int], bytes]
"""(where the packet lies, its length) → the plain packet."""


class SrtpSession:
    """One direction of one transport's SRTP. `protect`, `protect_rtcp`, `unprotect`, `unprotect_rtcp` raise
    `ValueError` for a packet that is too long, `pylibsrtp.Error` when libsrtp refuses."""

    __slots__ = ("_session", "protect", "protect_rtcp", "unprotect", "unprotect_rtcp")

    def __init__(self, policy: pylibsrtp.Policy) -> None:
        self._session = pylibsrtp.Session(policy)
        self.protect: Protect = _protector(self._session, lib.srtp_protect)
        self.protect_rtcp: Protect = _protector(self._session, lib.srtp_protect_rtcp)
        self.unprotect: Unprotect = _unprotector(self._session, lib.srtp_unprotect)
        self.unprotect_rtcp: Unprotect = _unprotector(self._session, lib.srtp_unprotect_rtcp)

    def remove_stream(self, ssrc: int) -> None:
        """Frees what libsrtp keeps of this SSRC, its replay window included. Raises `pylibsrtp.Error`."""
        self._session.remove_stream(ssrc)


def _protector(session: pylibsrtp.Session, function: Callable[[Any, Any, Any], int]) -> Protect:
    handle = session._srtp[0]

    # The default keeps libsrtp's memory alive for as long as this function is.
    def protect(pointer: Any, length: int, _owner: pylibsrtp.Session = session) -> int:
        if length > LONGEST_PACKET:
            raise ValueError("packet is too long")
        _lengths[0] = length
        if status := function(handle, pointer, _length):
            _refuse(status)
        return _lengths[0]

    return protect


def _unprotector(session: pylibsrtp.Session, function: Callable[[Any, Any, Any], int]) -> Unprotect:
    handle = session._srtp[0]

    def unprotect(place: Place, length: int, _owner: pylibsrtp.Session = session) -> bytes:
        if length > LONGEST_PACKET:
            raise ValueError("packet is too long")
        _lengths[0] = length
        if status := function(handle, place.pointer, _length):
            _refuse(status)
        plain: bytes = place.content[: _lengths[0]]
        return plain

    return unprotect


def _refuse(status: int) -> NoReturn:
    raise pylibsrtp.Error(pylibsrtp.ERRORS[status])
