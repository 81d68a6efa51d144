"""One port for all peers of a worker: for each address a UDP socket, drained in short bursts, and a TCP listener.

THE HOT LOOP is `_take`: a datagram's path is found by its sender's name, and RTP goes on to the path's transport, which
decrypts it where it lies (`transport.receive_rtp`) and hands it to the forwarder (`forwarder.receive_rtp`).
"""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from functools import partial

from mediaserver.delay_probe import DelayProbe
from mediaserver.demultiplexer import Demultiplexer
from mediaserver.drops import Drop, Drops
from mediaserver.faults import Faults
from mediaserver.inbox import SIZE, Inbox
from mediaserver.kinds import KINDS, RTP, kind_of
from mediaserver.outbox import OUTBOX, UdpRoute
from mediaserver.path import Endpoint, Path, Strangers
from mediaserver.settings import DRAIN_SECONDS
from mediaserver.socket_names import Address, address_of, name_of
from mediaserver.sockets import BUFFER_BYTES, bind_first_free, enlarge_buffers
from mediaserver.tcp_port import TcpPort

SHORTEST_MEDIA = 13

_SO_TIMESTAMPNS = 35
_SO_MEMINFO = 55
_MEMINFO_WORDS = 9
_MEMINFO_DROPS = 8
_TIMESPEC = struct.Struct("@qq")


class UdpEndpoint(Endpoint):
    """One UDP socket of the port."""

    def __init__(self, bound: socket.socket, address: str) -> None:
        super().__init__(bound, address)
        self.bound = bound
        self.inbox = Inbox(bound)
        self.by_name: dict[bytes, Path] = {}
        """`paths` by what the kernel calls their addresses."""
        self.kernel_drops = 0

    def route(self, address: Address) -> UdpRoute:
        return UdpRoute(OUTBOX, self.bound, address)

    def remember(self, path: Path) -> None:
        super().remember(path)
        self.by_name[name_of(self.bound.family, path.address)] = path

    def forget(self, path: Path) -> None:
        super().forget(path)
        name = name_of(self.bound.family, path.address)
        if self.by_name.get(name) is path:
            del self.by_name[name]


class Port:
    """Owns the sockets; freed by `close`. Times are `time.monotonic` seconds."""

    def __init__(
        self,
        addresses: tuple[str, ...],
        ports: range,
        drops: Drops,
        *,
        delay_probe: DelayProbe | None = None,
        buffer_bytes: int = BUFFER_BYTES,
    ) -> None:
        """Binds the first port of the range that is free on every address. Raises `OSError` when none is.

        With a `delay_probe`, `arrival` is when the kernel received the datagram (for benches; costs time).
        """
        self._drops = drops
        self._faults = Faults(drops)
        self._delay_probe = delay_probe
        self._receive_other: Callable[..., None] = _nobody_listens
        self._loop: asyncio.AbstractEventLoop | None = None
        sockets = bind_first_free(addresses, ports)
        self.number = sockets.number
        self.endpoints = tuple(
            UdpEndpoint(bound, address) for bound, address in zip(sockets.udp, addresses, strict=True)
        )
        self.tcp = TcpPort(list(zip(sockets.tcp, addresses, strict=True)), drops)
        for endpoint in self.endpoints:
            enlarge_buffers(endpoint.bound, buffer_bytes)
            if delay_probe is not None:
                endpoint.bound.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def open(self, loop: asyncio.AbstractEventLoop, strangers: Strangers) -> None:
        """Starts reading."""
        self._loop = loop
        demultiplexer = Demultiplexer(strangers, self._drops)
        self._receive_other = demultiplexer.receive
        drain = self._drain if self._delay_probe is None else partial(self._drain_probed, self._delay_probe)
        for endpoint in self.endpoints:
            loop.add_reader(endpoint.bound.fileno(), self._read, drain, endpoint)
        self.tcp.open(loop, demultiplexer)

    def close(self) -> None:
        self.count_unsent()
        self.tcp.close()
        for endpoint in self.endpoints:
            if self._loop is not None:
                self._loop.remove_reader(endpoint.bound.fileno())
            endpoint.bound.close()
            endpoint.paths.clear()
            endpoint.by_name.clear()

    def tick(self, now: float) -> None:
        """About once a second."""
        self.count_kernel_drops()
        self.count_unsent()
        self.tcp.close_overdue(now)

    def count_kernel_drops(self) -> None:
        """Adds what the kernel threw away since the last call because a receive buffer was full.

        Asked for from time to time (SO_MEMINFO) rather than told with every datagram (SO_RXQ_OVFL): the latter is
        ancillary data, which costs more to read than the datagram.
        """
        for endpoint in self.endpoints:
            words = endpoint.bound.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO_WORDS * 4)
            total = struct.unpack_from("@I", words, _MEMINFO_DROPS * 4)[0]
            self._drops.counts[Drop.KERNEL_BUFFER_FULL] += (total - endpoint.kernel_drops) & 0xFFFFFFFF
            endpoint.kernel_drops = total

    def count_unsent(self) -> None:
        """Adds what the outbox could not send since the last call."""
        self._drops.counts[Drop.SEND_BUFFER_FULL] += OUTBOX.refused
        self._drops.counts[Drop.SEND_FAILED] += OUTBOX.failed
        OUTBOX.refused = OUTBOX.failed = 0

    def _read(self, drain: Callable[[UdpEndpoint], None], endpoint: UdpEndpoint) -> None:
        try:
            drain(endpoint)
        except Exception:
            self._faults.happened("a datagram")

    def _drain(self, endpoint: UdpEndpoint) -> None:
        """At most about a millisecond, then timers and the other sockets have their turn."""
        read, take = endpoint.inbox.read, self._take
        monotonic = time.monotonic
        until = monotonic() + DRAIN_SECONDS
        count = SIZE
        OUTBOX.hold()
        try:
            while count == SIZE and monotonic() < until:
                count = read()
                take(endpoint, count, monotonic())
        finally:
            OUTBOX.release()

    def _take(self, endpoint: UdpEndpoint, count: int, arrival: float) -> None:
        """So many datagrams of the inbox."""
        inbox = endpoint.inbox
        names, lengths, words, by_name = inbox.names, inbox.lengths, inbox.words, endpoint.by_name
        for place, name_at, length_at, word_at in inbox.slots[:count]:
            try:
                length = lengths[length_at]
                path = by_name.get(names[name_at])
                if path is not None and length >= SHORTEST_MEDIA and KINDS[words[word_at]] == RTP:
                    path.transport.receive_rtp(path, place, length, arrival)
                else:
                    # It may be slow, as a handshake is, or be answered past what waits.
                    OUTBOX.release()
                    address = path.address if path is not None else address_of(names[name_at])
                    self._receive_other(endpoint, address, path, place.content[:length], arrival)
                    OUTBOX.hold()
            except Exception:
                self._faults.happened("a datagram")

    def _drain_probed(self, probe: DelayProbe, endpoint: UdpEndpoint) -> None:
        """`_drain` for benches: arrival is the kernel's own time of receipt, and each RTP packet's stay is recorded."""
        offset = time.time() - time.monotonic()
        until = time.monotonic() + DRAIN_SECONDS
        place = endpoint.inbox.slots[0][0]
        while time.monotonic() < until:
            try:
                length, ancillary, _, address = endpoint.bound.recvmsg_into([place.view], 64)
            except BlockingIOError:
                return
            except OSError:
                continue
            seconds, nanoseconds = _TIMESPEC.unpack_from(ancillary[0][2]) if ancillary else (time.time(), 0)
            arrival = seconds + nanoseconds * 1e-9 - offset
            path = endpoint.paths.get(address)
            if path is not None and length >= SHORTEST_MEDIA and kind_of(*place.content[:2]) == RTP:
                path.transport.receive_rtp(path, place, length, arrival)
                probe.record(time.monotonic() - arrival)
            else:
                self._receive_other(endpoint, address, path, place.content[:length], arrival)

    def delays(self) -> dict[str, int]:
        """What the probe saw since the last call; empty without one."""
        return {} if self._delay_probe is None else self._delay_probe.snapshot()


def _nobody_listens(*_: object) -> None:
    """Before `open` nothing is read."""
