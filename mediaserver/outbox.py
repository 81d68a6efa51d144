"""Where packets are written that go out by UDP: several leave together, while it is held.

Whoever sends writes a packet to `room`, `HEADROOM` bytes from its beginning, has it encrypted in place at `pointer`,
and adds it. There is one for the process, since one packet after the other is made.
"""

import ctypes
import errno
import socket
from collections.abc import Callable
from typing import Any, Protocol

from mediaserver import messages
from mediaserver.messages import NAME_LENGTH_STRIDE, NAME_STRIDE, TO_SEND_STRIDE, Messages
from mediaserver.places import HEADROOM
from mediaserver.socket_names import NAME_BYTES, Address, name_of

SIZE = 8
"""The first of them waits for the last, at some 30 µs each: nothing slower is done while they are held."""


class Route(Protocol):
    """The way of written packets to one address. `post(route, length)` sends one: the same function for all routes of
    a kind, so that one route's packets touch little memory of its own."""

    @property
    def post(self) -> "Post": ...


Post = Callable[[Any, int], None]


class UdpRoute:
    """Through which socket to which address."""

    __slots__ = ("_name", "name", "post", "through")

    def __init__(self, outbox: "Outbox", through: socket.socket, address: Address) -> None:
        """Raises `OSError` when the address is not one of the socket's family."""
        self.post: Post = outbox.add
        self.through = through
        self._name = ctypes.create_string_buffer(name_of(through.family, address), NAME_BYTES[through.family])
        self.name = ctypes.addressof(self._name)
        """Where in memory the address lies, as long as this lives."""


class Outbox:
    """`refused`, `failed`: datagrams that the kernel did not take because its buffer was full, or for other reasons."""

    __slots__ = (
        "_count",
        "_limit",
        "_messages",
        "_names",
        "_places",
        "_routes",
        "_through",
        "_to_send",
        "failed",
        "pointer",
        "refused",
        "room",
    )

    def __init__(self) -> None:
        self._messages = Messages(SIZE, HEADROOM)
        self._names = self._messages.names
        self._to_send = self._messages.to_send
        self._places = self._messages.places.each
        self._routes: list[UdpRoute] = []
        """Of what waits: nothing else may keep them until it is sent."""
        self._through: socket.socket | None = None
        self._count = 0
        self._limit = 1
        self.refused = self.failed = 0
        self._begin()

    def hold(self) -> None:
        """What is added from now on may wait for more, until `release`."""
        self._limit = SIZE

    def release(self) -> None:
        self._limit = 1
        if self._count:
            self._send()

    def add(self, route: UdpRoute, length: int) -> None:
        """A packet of this length was written, and is to take this route."""
        if route.through is not self._through:
            self._turn_to(route.through)
        count = self._count
        self._to_send[TO_SEND_STRIDE * count] = length
        self._names[NAME_STRIDE * count] = route.name
        self._routes.append(route)
        self._count = count = count + 1
        if count >= self._limit:
            self._send()
        else:
            place = self._places[count]
            self.room, self.pointer = place.view, place.pointer

    def _begin(self) -> None:
        self.room, self.pointer = self._places[0].view, self._places[0].pointer

    def _turn_to(self, through: socket.socket) -> None:
        """What waits for another socket goes before; the packet that was written just now comes first then."""
        if self._count:
            packet = bytes(self.room)
            self._send()
            self.room[:] = packet
        self._through = through
        for number in range(SIZE):
            self._messages.name_lengths[number * NAME_LENGTH_STRIDE] = NAME_BYTES[through.family]

    def _send(self) -> None:
        count, self._count = self._count, 0
        self._begin()
        if self._through is None:
            return
        descriptor = self._through.fileno()
        sent = self._messages.send(descriptor, 0, count)
        if sent != count:
            self._go_on(descriptor, max(0, sent), count)
        self._routes.clear()

    def _go_on(self, descriptor: int, first: int, count: int) -> None:
        """The kernel stopped before a datagram that it does not take."""
        while first < count:
            sent = self._messages.send(descriptor, first, count - first)
            if sent > 0:
                first += sent
            elif messages.error() in (errno.EAGAIN, errno.ENOBUFS):
                self.refused += count - first
                return
            else:
                self.failed += 1
                first += 1


OUTBOX = Outbox()
