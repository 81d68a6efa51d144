"""The way out through one TCP connection: each datagram becomes a frame (RFC 4571 section 2). Never waits."""

import asyncio
import socket
from collections.abc import Callable

from mediaserver.backlog import Backlog
from mediaserver.drops import Drop, Drops
from mediaserver.faults import Faults
from mediaserver.socket_names import Address

SEND_BUFFER = 256 * 1024
UNSENT_IN_KERNEL = 32 * 1024
"""Bytes that the kernel may hold beside what is on its way (TCP_NOTSENT_LOWAT): what is in there can no longer be left
out, so the rest waits here."""
_FRAMES_A_TURN = 64
_TCP_NOTSENT_LOWAT = 25


class TcpSender:
    """A `DatagramSender`: what it can't send it counts. `failed` is called, later, once the connection is broken."""

    def __init__(
        self,
        connected: socket.socket,
        loop: asyncio.AbstractEventLoop,
        drops: Drops,
        faults: Faults,
        video_formats: Callable[[], frozenset[int]],
        failed: Callable[[], None],
    ) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT_IN_KERNEL)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._socket = connected
        self._loop = loop
        self._counts = drops.counts
        self._faults = faults
        self._video_formats = video_formats
        self._failed = failed
        self._backlog = Backlog()
        self._begun = b""
        """The rest of a frame that was sent in part: nothing may come between."""
        self._closed = False

    @property
    def waiting(self) -> int:
        """Bytes that wait here for the other side to read."""
        return len(self._begun) + self._backlog.size

    def sendto(self, datagram: bytes | memoryview, address: Address, /) -> int:
        if self._closed:
            self._counts[Drop.SEND_FAILED] += 1
            return 0
        frame = len(datagram).to_bytes(2, "big") + datagram
        if not self._begun:
            self._send(frame)
            if self._begun and not self._closed:
                self._loop.add_writer(self._socket.fileno(), self._writable)
        else:
            video = self._is_video(datagram)
            if not self._backlog.add(frame, video=video):
                self._counts[Drop.TCP_BACKLOG_VIDEO if video else Drop.TCP_BACKLOG_FULL] += 1
                return 0
        return len(datagram)

    def close(self) -> None:
        if self._begun:
            self._loop.remove_writer(self._socket.fileno())
            self._counts[Drop.TCP_CONNECTION_ENDED] += 1
        self._closed = True
        self._begun = b""
        self._counts[Drop.TCP_CONNECTION_ENDED] += self._backlog.clear()
        self._video_formats = frozenset
        self._failed = _nobody

    def _send(self, frame: bytes) -> None:
        """What the kernel does not take is left in `_begun`."""
        try:
            sent = self._socket.send(frame)
        except BlockingIOError:
            sent = 0
        except OSError:
            # Not at once: whoever sends just now may be in the middle of changing the paths.
            self._loop.call_soon(self._failed)
            self._counts[Drop.SEND_FAILED] += not self._begun
            self.close()
            return
        self._begun = frame[sent:]

    def _writable(self) -> None:
        try:
            for _ in range(_FRAMES_A_TURN):
                self._begun = self._begun or self._backlog.take()
                self._send(self._begun)
                if self._begun or self._closed:
                    return
                if not self._backlog.size:
                    self._loop.remove_writer(self._socket.fileno())
                    return
            self._begun = self._backlog.take()
        except Exception:
            self._faults.happened("sending over TCP")

    def _is_video(self, datagram: bytes | memoryview) -> bool:
        """By the clear part of the packet: RTP, not RTCP (RFC 5761 section 4), of a payload type of pictures."""
        if not 127 < datagram[0] < 192 or 191 < datagram[1] < 224:
            return False
        return datagram[1] & 0x7F in self._video_formats()


def _nobody() -> None:
    """After `close` nobody needs to know."""
