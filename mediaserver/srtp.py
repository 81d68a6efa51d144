"""SRTP (RFC 3711, RFC 7714) through libsrtp, in place: in the memory that the kernel wrote to, or will read from.

pylibsrtp's own methods allocate an integer and copy twice for each packet; calling the library's functions directly
saves about a third of what encryption costs. This and `places.py` are the only files that know pylibsrtp's inner names;
a contract test compares them with pylibsrtp's own methods.
"""

import contextlib
from collections.abc import Callable
from typing import Any, NoReturn

import pylibsrtp
from pylibsrtp._binding import ffi, lib

from mediaserver.places import LONGEST_PACKET, Place

_length = ffi.new("int *")
_lengths = memoryview(ffi.buffer(_length)).cast("B").cast("i")

Handle = Any
"""libsrtp's session."""
Protect = Callable[[Handle, Any, int], int]
"""(session, libsrtp's pointer to the packet, its length) → the length of the encrypted packet in its stead."""
Unprotect = Callable[[Handle, Place, int], bytes]
"""(session, where the packet lies, its length) → the plain packet."""


class SrtpSession:
    """One direction of one transport's SRTP.

    `protect`, `protect_rtcp`, `unprotect`, `unprotect_rtcp` take `handle`, which is valid as long as this lives: they
    are the same functions for all sessions of a profile, so that one session's packets touch little memory of its own.
    They raise `ValueError` for a packet that is too long, `pylibsrtp.Error` when libsrtp refuses.
    """

    __slots__ = ("_session", "handle", "protect", "protect_rtcp", "unprotect", "unprotect_rtcp")

    def __init__(self, policy: pylibsrtp.Policy) -> None:
        self._session = pylibsrtp.Session(policy)
        self.handle: Handle = self._session._srtp[0]
        functions = _FUNCTIONS[policy.srtp_profile]
        self.protect, self.protect_rtcp, self.unprotect, self.unprotect_rtcp = functions

    def remove_stream(self, ssrc: int) -> None:
        """Frees what libsrtp keeps of this SSRC, its replay window included, if it keeps anything."""
        with contextlib.suppress(pylibsrtp.Error):
            self._session.remove_stream(ssrc)


def _protector(function: Callable[[Any, Any, Any], int], added: int) -> Protect:
    """`added`: octets; known, since asking libsrtp for the length costs as much as a function call."""

    def protect(handle: Handle, pointer: Any, length: int) -> int:
        if length > LONGEST_PACKET:
            raise ValueError("packet is too long")
        _lengths[0] = length
        if status := function(handle, pointer, _length):
            _refuse(status)
        return length + added

    return protect


def _unprotector(function: Callable[[Any, Any, Any], int], added: int) -> Unprotect:
    def unprotect(handle: Handle, place: Place, length: int) -> bytes:
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


def _functions(tag: int) -> tuple[Protect, Protect, Unprotect, Unprotect]:
    """With a tag of so many octets (RFC 3711 section 3.1), and an index in SRTCP (section 3.4)."""
    return (
        _protector(lib.srtp_protect, tag),
        _protector(lib.srtp_protect_rtcp, tag + _RTCP_INDEX_OCTETS),
        _unprotector(lib.srtp_unprotect, tag),
        _unprotector(lib.srtp_unprotect_rtcp, tag + _RTCP_INDEX_OCTETS),
    )


_RTCP_INDEX_OCTETS = 4
_FUNCTIONS = {
    pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80: _functions(10),
    pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM: _functions(16),
}
