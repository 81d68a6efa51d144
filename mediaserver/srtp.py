"""SRTP (RFC 3711, RFC 7714) through libsrtp, in one buffer for the whole process.

pylibsrtp's own methods allocate an integer and copy twice for each packet; calling the library's functions directly
saves about a third of what encryption costs. This is the only file that knows pylibsrtp's inner names; a contract test
compares it with pylibsrtp's own methods.

The buffer belongs to whoever protected last: what `protect` returns must be sent or copied before the next call.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import pylibsrtp
from pylibsrtp._binding import ffi, lib

LONGEST_PACKET = 1500
"""Bytes, before and after; longer ones never come near libsrtp."""

_LONGEST_TRAILER = 16 + 4 + 128
"""Tag, SRTCP index and master key identifier (libsrtp's `SRTP_MAX_TRAILER_LEN` and a word)."""

_storage = ffi.new("char[]", LONGEST_PACKET + _LONGEST_TRAILER)
_length = ffi.new("int *")
_bytes = ffi.buffer(_storage)
_view = memoryview(_bytes)

Protect = Callable[[bytes], memoryview]
Unprotect = Callable[[bytes], bytes]


class SrtpSession:
    """One direction of one transport's SRTP.

    `protect`, `protect_rtcp`: the encrypted packet, valid until the next call of any session. `unprotect`,
    `unprotect_rtcp`: the plain packet. All raise `ValueError` for a packet that is too long, `pylibsrtp.Error` when
    libsrtp refuses.
    """

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
    handle, storage, view, length_cell = session._srtp[0], _storage, _view, _length

    # The default keeps libsrtp's memory alive for as long as this function is.
    def protect(packet: bytes, _owner: pylibsrtp.Session = session) -> memoryview:
        length = len(packet)
        if length > LONGEST_PACKET:
            raise ValueError("packet is too long")
        view[:length] = packet
        length_cell[0] = length
        if status := function(handle, storage, length_cell):
            _refuse(status)
        return view[: length_cell[0]]

    return protect


def _unprotector(session: pylibsrtp.Session, function: Callable[[Any, Any, Any], int]) -> Unprotect:
    handle, storage, view, content, length_cell = session._srtp[0], _storage, _view, _bytes, _length

    def unprotect(packet: bytes, _owner: pylibsrtp.Session = session) -> bytes:
        length = len(packet)
        if length > LONGEST_PACKET:
            raise ValueError("packet is too long")
        view[:length] = packet
        length_cell[0] = length
        if status := function(handle, storage, length_cell):
            _refuse(status)
        plain: bytes = content[: length_cell[0]]
        return plain

    return unprotect


def _refuse(status: int) -> NoReturn:
    raise pylibsrtp.Error(pylibsrtp.ERRORS[status])
