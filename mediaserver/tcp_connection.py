"""One TCP connection of a peer: an endpoint with one path, read frame by frame (RFC 4571 section 2, RFC 6544)."""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable

from mediaserver.demultiplexer import Demultiplexer
from mediaserver.drops import Drop, Drops
from mediaserver.faults import Faults
from mediaserver.path import Endpoint, Path
from mediaserver.settings import DRAIN_SECONDS, SHORT_FRAMES_BURST, SHORT_FRAMES_PER_SECOND
from mediaserver.socket_names import Address
from mediaserver.tcp_sender import TcpSender
from mediaserver.token_bucket import TokenBucket

MAXIMUM_FRAME = 2048
READ_BYTES = 16 * 1024
"""At one go; then the other sockets have their turn."""
UNVERIFIED_BYTES = 4096
"""What a stranger may send before a connectivity check of theirs is verified."""


def network_of(host: str) -> str:
    """What counts as one address: of IPv6 the /64, which one customer has whole."""
    if ":" not in host:
        return host
    return ipaddress.IPv6Address(host.partition("%")[0]).packed[:8].hex()


class TcpConnection(Endpoint):
    """Lives until either side closes it, or its path is forgotten. Freed by `close`.

    What is waiting to be taken is bounded by one read and a frame, what is waiting to be sent by the sender's backlog.
    """

    tcp = True

    def __init__(
        self,
        connected: socket.socket,
        peer: Address,
        address: str,
        loop: asyncio.AbstractEventLoop,
        demultiplexer: Demultiplexer,
        drops: Drops,
        faults: Faults,
        ended: Callable[["TcpConnection"], None],
    ) -> None:
        self.sender = TcpSender(connected, loop, drops, faults, self._video_formats, self.close)
        super().__init__(self.sender, address)
        self.peer = peer
        self.network = network_of(peer[0])
        self._connected = connected
        self._loop = loop
        self._demultiplexer = demultiplexer
        self._counts = drops.counts
        self._faults = faults
        self._ended = ended
        self._rest = b""
        """The beginning of a frame whose end has not come, behind frames for which the time of a turn was too short."""
        self._short = TokenBucket(SHORT_FRAMES_PER_SECOND, SHORT_FRAMES_BURST, time.monotonic())
        self._strange = 0
        self._closed = False
        loop.add_reader(connected.fileno(), self._read)

    @property
    def verified(self) -> bool:
        """A connectivity check that came through it was right."""
        return bool(self.paths)

    def forget(self, path: Path) -> None:
        super().forget(path)
        if not self.paths:
            self.close()

    def close(self) -> None:
        """Frees everything, and tells the transport whose way this was."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._connected.fileno())
        self.sender.close()
        self._connected.close()
        lost = list(self.paths.values())
        self.paths.clear()
        for path in lost:
            path.transport.path_lost(path)
        self._ended(self)

    def _video_formats(self) -> frozenset[int]:
        path = self.paths.get(self.peer)
        return path.transport.video_formats if path is not None else frozenset()

    def _read(self) -> None:
        try:
            data = self._connected.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        if not self.verified:
            self._strange += len(data)
            if self._strange > UNVERIFIED_BYTES:
                self._refuse(Drop.TCP_NOT_VERIFIED)
                return
        if not self._take_frames(self._rest + data if self._rest else data):
            self._loop.remove_reader(self._connected.fileno())
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """The rest of a read whose frames were too many for one turn."""
        if self._closed:
            return
        finished = self._take_frames(self._rest)
        if finished and not self._closed:
            self._loop.add_reader(self._connected.fileno(), self._read)
        elif not finished:
            self._loop.call_soon(self._go_on)

    def _take_frames(self, data: bytes) -> bool:
        """False: the turn is over, and whole frames are left."""
        at, end = 0, len(data)
        arrival = time.monotonic()
        until = arrival + DRAIN_SECONDS
        while end - at >= 2:
            begins = at + 2
            following = begins + (data[at] << 8 | data[at + 1])
            if following - begins > MAXIMUM_FRAME:
                self._refuse(Drop.TCP_FRAME_TOO_LONG)
                return True
            if following > end:
                break
            if arrival >= until:
                self._rest = data[at:]
                return False
            try:
                self._receive(data[begins:following], arrival)
            except Exception:
                self._faults.happened("a frame")
            if self._closed:
                return True
            at = following
            arrival = time.monotonic()
        self._rest = data[at:]
        return True

    def _receive(self, datagram: bytes, arrival: float) -> None:
        path = self.paths.get(self.peer)
        if path is not None and len(datagram) > 12 and 127 < datagram[0] < 192:
            path.transport.receive_media(path, datagram, arrival)
        elif len(datagram) <= 12 and not self._short.take(arrival):
            self._refuse(Drop.TCP_SHORT_FRAMES)
        elif path is None and datagram[:1] >= b"\x04":
            # Nothing but connectivity checks may come first (RFC 6544 section 7.1).
            self._refuse(Drop.TCP_NOT_VERIFIED)
        else:
            self._demultiplexer.receive(self, self.peer, path, datagram, arrival)

    def _refuse(self, reason: Drop) -> None:
        self._counts[reason] += 1
        self.close()
