"""One UDP port for all peers of a worker: one socket per announced address, drained in short bursts.

Demultiplexing is by the first byte (RFC 7983) and the source address. What comes from an address that has not
passed a verified STUN check gets no further than the tables here.
"""

import asyncio
import errno
import logging
import socket
import struct
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from mediaserver.delay_probe import DelayProbe
from mediaserver.drops import Drop, Drops
from mediaserver.faults import Faults
from mediaserver.peer_sink import Address

MAXIMUM_DATAGRAM = 2048
DRAIN_SECONDS = 0.001
BUFFER_BYTES = 4 << 20

_SO_SNDBUFFORCE = 32
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35
_SO_MEMINFO = 55
_MEMINFO_WORDS = 9
_MEMINFO_DROPS = 8
_TIMESPEC = struct.Struct("@qq")

logger = logging.getLogger(__name__)


class Connected(Protocol):
    """The transport behind a confirmed (or adopted) address."""

    def receive_media(self, path: "Path", packet: bytes, arrival: float) -> None: ...

    def receive_dtls(self, path: "Path", datagram: bytes, arrival: float) -> None: ...


class Strangers(Protocol):
    """Looks at what comes from unknown addresses."""

    def receive_stun(self, endpoint: "Endpoint", address: Address, datagram: bytes, arrival: float) -> None: ...

    def receive_stray_media(self, endpoint: "Endpoint", address: Address, packet: bytes, arrival: float) -> None: ...


class Path:
    """A way to a peer: one of our sockets and the address on the other side."""

    __slots__ = ("address", "confirmed", "endpoint", "transport")

    def __init__(self, endpoint: "Endpoint", address: Address, transport: Connected) -> None:
        self.endpoint = endpoint
        self.address = address
        self.transport = transport
        self.confirmed = False
        """A verified STUN check came from there."""


class Endpoint:
    """One socket of the port, with the paths that go through it."""

    def __init__(self, bound: socket.socket, address: str) -> None:
        self.socket = bound
        self.address = address
        self.paths: dict[Address, Path] = {}
        self.kernel_drops = 0


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
        self._strangers: Strangers | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.number, sockets = _bind_first_free(addresses, ports)
        self.endpoints = tuple(Endpoint(bound, address) for bound, address in zip(sockets, addresses, strict=True))
        for endpoint in self.endpoints:
            _enlarge_buffers(endpoint.socket, buffer_bytes)
            if delay_probe is not None:
                endpoint.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def open(self, loop: asyncio.AbstractEventLoop, strangers: Strangers) -> None:
        """Starts reading."""
        self._loop = loop
        self._strangers = strangers
        drain = self._drain if self._delay_probe is None else partial(self._drain_probed, self._delay_probe)
        for endpoint in self.endpoints:
            loop.add_reader(endpoint.socket.fileno(), self._read, drain, endpoint)

    def close(self) -> None:
        for endpoint in self.endpoints:
            if self._loop is not None:
                self._loop.remove_reader(endpoint.socket.fileno())
            endpoint.socket.close()
            endpoint.paths.clear()

    def count_kernel_drops(self) -> None:
        """Adds what the kernel threw away since the last call because a receive buffer was full.

        Asked for from time to time (SO_MEMINFO) rather than told with every datagram (SO_RXQ_OVFL): the latter needs
        `recvmsg` with ancillary data, which costs more than the whole of `recvfrom`.
        """
        for endpoint in self.endpoints:
            words = endpoint.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO_WORDS * 4)
            total = struct.unpack_from("@I", words, _MEMINFO_DROPS * 4)[0]
            self._drops.counts[Drop.KERNEL_BUFFER_FULL] += (total - endpoint.kernel_drops) & 0xFFFFFFFF
            endpoint.kernel_drops = total

    def _read(self, drain: Callable[[Endpoint], None], endpoint: Endpoint) -> None:
        try:
            drain(endpoint)
        except Exception:
            self._faults.happened("a datagram")

    def _drain(self, endpoint: Endpoint) -> None:
        """The hot loop: at most about a millisecond, then timers and the other sockets have their turn."""
        receive = endpoint.socket.recvfrom
        paths = endpoint.paths
        monotonic = time.monotonic
        arrival = monotonic()
        until = arrival + DRAIN_SECONDS
        while arrival < until:
            try:
                datagram, address = receive(MAXIMUM_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                # An ICMP error of an earlier send; the datagrams behind it are still to be read.
                arrival = monotonic()
                continue
            arrival = monotonic()
            path = paths.get(address)
            if path is not None and len(datagram) > 12 and 127 < datagram[0] < 192:
                path.transport.receive_media(path, datagram, arrival)
            else:
                self._receive_other(endpoint, address, path, datagram, arrival)

    def _drain_probed(self, probe: DelayProbe, endpoint: Endpoint) -> None:
        """`_drain` for benches: arrival is the kernel's own time of receipt, and each RTP packet's stay is recorded."""
        offset = time.time() - time.monotonic()
        until = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < until:
            try:
                datagram, ancillary, _, address = endpoint.socket.recvmsg(MAXIMUM_DATAGRAM, 64)
            except BlockingIOError:
                return
            except OSError:
                continue
            seconds, nanoseconds = _TIMESPEC.unpack_from(ancillary[0][2]) if ancillary else (time.time(), 0)
            arrival = seconds + nanoseconds * 1e-9 - offset
            path = endpoint.paths.get(address)
            if path is not None and len(datagram) > 12 and 127 < datagram[0] < 192:
                path.transport.receive_media(path, datagram, arrival)
                if not 191 < datagram[1] < 224:
                    probe.record(time.monotonic() - arrival)
            else:
                self._receive_other(endpoint, address, path, datagram, arrival)

    def delays(self) -> dict[str, int]:
        """What the probe saw since the last call; empty without one."""
        return {} if self._delay_probe is None else self._delay_probe.snapshot()

    def _receive_other(
        self, endpoint: Endpoint, address: Address, path: Path | None, datagram: bytes, arrival: float
    ) -> None:
        counts = self._drops.counts
        if len(datagram) < 13 or self._strangers is None:
            counts[Drop.TOO_SHORT] += 1
            return
        first = datagram[0]
        if first < 4:
            self._strangers.receive_stun(endpoint, address, datagram, arrival)
        elif 19 < first < 64:
            if path is None or not path.confirmed:
                counts[Drop.DTLS_UNKNOWN_ADDRESS] += 1
            else:
                path.transport.receive_dtls(path, datagram, arrival)
        elif 127 < first < 192:
            self._strangers.receive_stray_media(endpoint, address, datagram, arrival)
        else:
            counts[Drop.UNKNOWN_PROTOCOL] += 1


def _bind_first_free(addresses: tuple[str, ...], ports: range) -> tuple[int, list[socket.socket]]:
    if not addresses:
        raise OSError(errno.EADDRNOTAVAIL, "no address to announce")
    for number in ports:
        bound: list[socket.socket] = []
        try:
            for address in addresses:
                bound.append(_bind(address, bound[0].getsockname()[1] if bound else number))
        except OSError as error:
            for opened in bound:
                opened.close()
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return bound[0].getsockname()[1], bound
    raise OSError(errno.EADDRINUSE, f"no free UDP port in {ports.start}-{ports.stop - 1}")


def _bind(address: str, number: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, number))
    except OSError:
        bound.close()
        raise
    return bound


def _enlarge_buffers(bound: socket.socket, wanted: int) -> None:
    for name, option, forced in (
        ("receive", socket.SO_RCVBUF, _SO_RCVBUFFORCE),
        ("send", socket.SO_SNDBUF, _SO_SNDBUFFORCE),
    ):
        try:
            bound.setsockopt(socket.SOL_SOCKET, forced, wanted)
        except PermissionError:
            bound.setsockopt(socket.SOL_SOCKET, option, wanted)
        # The kernel doubles what it is asked for, to have room for its own bookkeeping.
        granted = bound.getsockopt(socket.SOL_SOCKET, option) // 2
        if granted < wanted:
            logger.warning("UDP %s buffer is %d bytes, wanted %d: raise net.core.[rw]mem_max", name, granted, wanted)
