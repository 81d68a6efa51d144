"""ICE-TCP, passive (RFC 6544): who may connect, how many, and for how long without proving who they are."""

import asyncio
import socket
import struct
import time
from collections import Counter

from mediaserver.demultiplexer import Demultiplexer
from mediaserver.drops import Drop, Drops
from mediaserver.faults import Faults
from mediaserver.settings import (
    MAXIMUM_TCP_CONNECTIONS,
    MAXIMUM_TCP_FROM_ADDRESS,
    MAXIMUM_TCP_UNVERIFIED,
    TCP_VERIFY_DEADLINE,
)
from mediaserver.socket_names import Address
from mediaserver.tcp_connection import TcpConnection, network_of

_ACCEPTS_A_TURN = 8
_PAUSE_SECONDS = 0.5
"""When the process has no descriptors left, a listener that stays readable must not keep the loop busy."""
_RESET = struct.pack("ii", 1, 0)


class TcpPort:
    """Owns the listeners and every connection; freed by `close`. Times are `time.monotonic` seconds."""

    def __init__(self, listeners: list[tuple[socket.socket, str]], drops: Drops) -> None:
        """`listeners`: each with the address it is bound to."""
        self._listeners = listeners
        self._drops = drops
        self._faults = Faults(drops)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._demultiplexer: Demultiplexer | None = None
        self._connections: set[TcpConnection] = set()
        self._unverified: dict[TcpConnection, float] = {}
        """Since when, the oldest first. Those that were verified meanwhile are taken out when they are looked at."""
        self._by_network: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._connections)

    def open(self, loop: asyncio.AbstractEventLoop, demultiplexer: Demultiplexer) -> None:
        self._loop = loop
        self._demultiplexer = demultiplexer
        for listener, address in self._listeners:
            loop.add_reader(listener.fileno(), self._accept_some, listener, address)

    def close(self) -> None:
        for connection in list(self._connections):
            connection.close()
        for listener, _ in self._listeners:
            if self._loop is not None:
                self._loop.remove_reader(listener.fileno())
            listener.close()

    def close_overdue(self, now: float) -> None:
        """Closes connections that had time enough to prove themselves."""
        for connection, since in list(self._unverified.items()):
            if connection.verified:
                del self._unverified[connection]
            elif now - since > TCP_VERIFY_DEADLINE:
                self._drops.counts[Drop.TCP_NO_CHECK_IN_TIME] += 1
                connection.close()

    def _accept_some(self, listener: socket.socket, address: str) -> None:
        for _ in range(_ACCEPTS_A_TURN):
            try:
                connected, peer = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:
                self._drops.counts[Drop.TCP_TOO_MANY_CONNECTIONS] += 1
                self._pause(listener, address)
                return
            self._take(connected, peer, address)

    def _take(self, connected: socket.socket, peer: Address, address: str) -> None:
        loop, demultiplexer = self._loop, self._demultiplexer
        if loop is None or demultiplexer is None or not self._make_room(network_of(peer[0])):
            self._drops.counts[Drop.TCP_TOO_MANY_CONNECTIONS] += 1
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connected.close()
            return
        try:
            connected.setblocking(False)
            connection = TcpConnection(
                connected, peer, address, loop, demultiplexer, self._drops, self._faults, self._ended
            )
        except OSError:
            # It is gone already.
            connected.close()
            return
        self._connections.add(connection)
        self._unverified[connection] = time.monotonic()
        self._by_network[connection.network] += 1

    def _make_room(self, network: str) -> bool:
        """A newcomer takes the place of the oldest that has not proved itself: a browser needs one round trip for that,
        so that whoever only holds connections open can't keep it out."""
        if self._by_network[network] >= MAXIMUM_TCP_FROM_ADDRESS and not self._close_oldest(network):
            return False
        full = len(self._unverified) >= MAXIMUM_TCP_UNVERIFIED or len(self._connections) >= MAXIMUM_TCP_CONNECTIONS
        return not full or self._close_oldest()

    def _close_oldest(self, network: str = "") -> bool:
        """Of those that have not proved themselves, from this network or any; False: there is none."""
        for connection in list(self._unverified):
            if connection.verified:
                del self._unverified[connection]
            elif not network or connection.network == network:
                self._drops.counts[Drop.TCP_TOO_MANY_CONNECTIONS] += 1
                connection.close()
                return True
        return False

    def _ended(self, connection: TcpConnection) -> None:
        self._connections.discard(connection)
        self._unverified.pop(connection, None)
        self._by_network[connection.network] -= 1
        if self._by_network[connection.network] <= 0:
            del self._by_network[connection.network]

    def _pause(self, listener: socket.socket, address: str) -> None:
        loop = self._loop
        if loop is None:
            return
        loop.remove_reader(listener.fileno())

        def go_on() -> None:
            if listener.fileno() >= 0:
                loop.add_reader(listener.fileno(), self._accept_some, listener, address)

        loop.call_later(_PAUSE_SECONDS, go_on)
