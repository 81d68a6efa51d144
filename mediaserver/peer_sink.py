"""The way out to one peer: SRTP protection, and the way from the outbox to the peer's present address.

In the normal state nothing is checked per packet: states without keys, without an address, or with an address not
yet confirmed put another function in the place of `protect` or of the way instead.
"""

from collections.abc import Callable
from typing import NoReturn

import pylibsrtp

from mediaserver.drops import Drop, Drops
from mediaserver.outbox import OUTBOX, Post, Route
from mediaserver.places import HEADROOM, LONGEST_PACKET
from mediaserver.settings import UNCONFIRMED_ALLOWANCE
from mediaserver.srtp import Handle, Protect, SrtpSession


class _NotReady(Exception):
    """Keys are missing, or there never was an address."""


class _NoWay(Exception):
    """The connection in use has ended, and there is no other yet."""


def _not_ready(*_: object) -> NoReturn:
    raise _NotReady


def _no_way(*_: object) -> NoReturn:
    raise _NoWay


def _refused(ssrc: int) -> bool:
    return False


def _forgotten(ssrc: int) -> None:
    """The whole session is."""


class PeerSink:
    """The `Sink` of one peer. Never raises: what can't be sent is a counted drop."""

    __slots__ = (
        "_accept_incoming",
        "_allowance",
        "_drops",
        "_forget_incoming",
        "_handle",
        "_post",
        "_protect_rtcp",
        "_protect_rtp",
        "_route",
        "_session",
    )

    def __init__(
        self, drops: Drops, accept_incoming: Callable[[int], bool], forget_incoming: Callable[[int], None]
    ) -> None:
        self._drops = drops
        self._accept_incoming = accept_incoming
        self._forget_incoming = forget_incoming
        self._session: SrtpSession | None = None
        self._handle: Handle = None
        self._protect_rtp: Protect = _not_ready
        self._protect_rtcp: Protect = _not_ready
        self._post: Post = _not_ready
        self._route: Route | None = None
        self._allowance = UNCONFIRMED_ALLOWANCE
        """Of all unconfirmed addresses together: each new one would else be sent as much again."""

    def send_written(self, length: int) -> None:
        """Protects and sends the RTP packet (RFC 3711) that was written to the outbox. The same SSRC and sequence
        number must never carry other content: libsrtp refuses a repeated one, and so does this (counted)."""
        protect, post = self._protect_rtp, self._post
        try:
            post(self._route, protect(self._handle, OUTBOX.pointer, length))
        except Exception as error:
            self._count(error)

    def send_rtp(self, packet: bytes) -> None:
        length = len(packet)
        if length <= LONGEST_PACKET:
            OUTBOX.room[HEADROOM : HEADROOM + length] = packet
        self.send_written(length)

    def send_rtcp(self, packet: bytes) -> None:
        """Protects and sends one compound (or reduced-size, RFC 5506) RTCP packet."""
        length = len(packet)
        protect, post = self._protect_rtcp, self._post
        if length <= LONGEST_PACKET:
            OUTBOX.room[HEADROOM : HEADROOM + length] = packet
        try:
            post(self._route, protect(self._handle, OUTBOX.pointer, length))
        except Exception as error:
            self._count(error)

    def accept_incoming(self, ssrc: int) -> bool:
        return self._accept_incoming(ssrc)

    def forget_incoming(self, ssrc: int) -> None:
        self._forget_incoming(ssrc)

    def set_keys(self, session: SrtpSession) -> None:
        self._session, self._handle = session, session.handle
        self._protect_rtp = session.protect
        self._protect_rtcp = session.protect_rtcp

    def set_route(self, route: Route) -> None:
        """From now on packets go to this confirmed address."""
        self._route, self._post = route, route.post

    def set_unconfirmed_route(self, route: Route) -> None:
        """Packets go to this address until the allowance is used up (RFC 9000 section 8.1 has the idea)."""
        self._route, self._post = route, self._post_capped

    def forget_route(self) -> None:
        """The way to the peer has ended; what is sent before the next one is known is dropped."""
        self._route, self._post = None, _no_way

    def renew_allowance(self) -> None:
        self._allowance = UNCONFIRMED_ALLOWANCE

    def allow_more(self, size: int) -> None:
        self._allowance += size

    def close(self) -> None:
        self._protect_rtp = self._protect_rtcp = self._post = _not_ready
        self._session = self._handle = self._route = None
        self._accept_incoming, self._forget_incoming = _refused, _forgotten

    def _post_capped(self, route: Route, length: int) -> None:
        if length > self._allowance:
            self._drops.counts[Drop.SEND_UNCONFIRMED_ADDRESS] += 1
            return
        self._allowance -= length
        route.post(route, length)

    def _count(self, error: Exception) -> None:
        if isinstance(error, _NotReady):
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
