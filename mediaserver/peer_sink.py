"""The way out to one peer: SRTP protection and `sendto`, bound to the peer's present address.

In the normal state nothing is checked per packet: states without keys, without an address, or with an address not
yet confirmed put another function in the place of `protect` or `sendto` instead.
"""

from collections.abc import Callable
from typing import Any, NoReturn, Protocol

import pylibsrtp

from mediaserver.drops import Drop, Drops
from mediaserver.settings import UNCONFIRMED_ALLOWANCE
from mediaserver.srtp import Protect, SrtpSession

Address = tuple[Any, ...]
"""What the socket gives and takes: (host, port) for IPv4, (host, port, flow, scope) for IPv6."""


class DatagramSender(Protocol):
    """A UDP socket, or a TCP connection that frames what it sends."""

    def sendto(self, datagram: bytes | memoryview, address: Address, /) -> int:
        """What it keeps it copies: the memory of a view is written anew by the next packet."""
        ...


class _NotReady(Exception):
    """Keys are missing, or there never was an address."""


class _NoWay(Exception):
    """The connection in use has ended, and there is no other yet."""


def _not_ready(*_: object) -> NoReturn:
    raise _NotReady


def _no_way(*_: object) -> NoReturn:
    raise _NoWay


def _forgotten(ssrc: int) -> None:
    """The whole session is."""


class PeerSink:
    """The `Sink` of one peer. Never raises: what can't be sent is a counted drop."""

    __slots__ = (
        "_address",
        "_allowance",
        "_drops",
        "_forget_incoming",
        "_protect_rtcp",
        "_protect_rtp",
        "_sendto",
        "_socket",
    )

    def __init__(self, drops: Drops, forget_incoming: Callable[[int], None]) -> None:
        self._drops = drops
        self._forget_incoming = forget_incoming
        self._protect_rtp: Protect = _not_ready
        self._protect_rtcp: Protect = _not_ready
        self._sendto: Callable[[memoryview, Address], int] = _not_ready
        self._address: Address = ()
        self._socket: DatagramSender | None = None
        self._allowance = UNCONFIRMED_ALLOWANCE
        """Of all unconfirmed addresses together: each new one would else be sent as much again."""

    def send_rtp(self, packet: bytes) -> None:
        """Protects and sends one RTP packet (RFC 3711). The same SSRC and sequence number must never carry other
        content: libsrtp refuses a repeated one, and so does this (counted)."""
        try:
            self._sendto(self._protect_rtp(packet), self._address)
        except Exception as error:
            self._count(error)

    def send_rtcp(self, packet: bytes) -> None:
        """Protects and sends one compound (or reduced-size, RFC 5506) RTCP packet."""
        try:
            self._sendto(self._protect_rtcp(packet), self._address)
        except Exception as error:
            self._count(error)

    def forget_incoming(self, ssrc: int) -> None:
        self._forget_incoming(ssrc)

    def set_keys(self, session: SrtpSession) -> None:
        self._protect_rtp = session.protect
        self._protect_rtcp = session.protect_rtcp

    def set_address(self, through: DatagramSender, address: Address) -> None:
        """From now on packets go to this confirmed address."""
        self._socket, self._address, self._sendto = through, address, through.sendto

    def set_unconfirmed_address(self, through: DatagramSender, address: Address) -> None:
        """Packets go to this address until the allowance is used up (RFC 9000 section 8.1 has the idea)."""
        self._socket, self._address = through, address
        self._sendto = self._send_capped

    def forget_address(self) -> None:
        """The way to the peer has ended; what is sent before the next one is known is dropped."""
        self._socket, self._address, self._sendto = None, (), _no_way

    def renew_allowance(self) -> None:
        self._allowance = UNCONFIRMED_ALLOWANCE

    def allow_more(self, size: int) -> None:
        self._allowance += size

    def close(self) -> None:
        self._protect_rtp = self._protect_rtcp = self._sendto = _not_ready
        self._forget_incoming = _forgotten
        self._socket = None

    def _send_capped(self, packet: memoryview, address: Address) -> int:
        if len(packet) > self._allowance or self._socket is None:
            self._drops.counts[Drop.SEND_UNCONFIRMED_ADDRESS] += 1
            return 0
        self._allowance -= len(packet)
        return self._socket.sendto(packet, address)

    def _count(self, error: Exception) -> None:
        if isinstance(error, BlockingIOError):
            reason = Drop.SEND_BUFFER_FULL
        elif isinstance(error, OSError):
            reason = Drop.SEND_FAILED
        elif isinstance(error, _NotReady):
            reason = Drop.SEND_BEFORE_KEYS
        elif isinstance(error, _NoWay):
            reason = Drop.SEND_WITHOUT_WAY
        elif isinstance(error, ValueError):
            reason = Drop.SEND_TOO_LONG
        elif isinstance(error, pylibsrtp.Error):
            reason = Drop.SEND_REFUSED
        else:
            raise error
        self._drops.counts[reason] += 1
