"""What a UDP socket received, many datagrams at a time."""

import ctypes
import errno
import socket
from typing import Any

from mediaserver import messages
from mediaserver.messages import LENGTH_STRIDE, NAME_LENGTH_STRIDE, NAME_STRIDE, Messages
from mediaserver.places import PLACE_BYTES, Place
from mediaserver.socket_names import NAME_BYTES, TOLD_BYTES

SIZE = 8
"""In the largest room each goes out seven times: about a millisecond's work, which nothing interrupts."""

Slot = tuple[Place, slice, int, int]
"""Of one datagram: its place; where in `names` its sender is told, in `lengths` its length, in `words` its first two
bytes."""


class Inbox:
    """Of one socket. What `read` gave is there until the next `read`, in the first so many of `slots`."""

    __slots__ = ("_descriptor", "_messages", "lengths", "names", "slots", "words")

    def __init__(self, bound: socket.socket) -> None:
        self._descriptor = bound.fileno()
        self._messages = Messages(SIZE)
        length, told = NAME_BYTES[bound.family], TOLD_BYTES[bound.family]
        self.names: Any = (ctypes.c_char * (length * SIZE))()
        """In the kernel's form."""
        self.lengths = self._messages.lengths
        self.words = self._messages.places.words
        self.slots: list[Slot] = []
        for number, place in enumerate(self._messages.places.each):
            at = number * length
            self._messages.names[number * NAME_STRIDE] = ctypes.addressof(self.names) + at
            self._messages.name_lengths[number * NAME_LENGTH_STRIDE] = length
            self.slots.append((place, slice(at, at + told), number * LENGTH_STRIDE, number * PLACE_BYTES // 2))

    def read(self) -> int:
        """How many datagrams, at most `SIZE`."""
        for _ in range(SIZE):
            count = self._messages.receive(self._descriptor)
            if count >= 0:
                return count
            if messages.error() == errno.EAGAIN:
                return 0
            # An ICMP error of an earlier send; the datagrams behind it are still to be read.
        return 0
