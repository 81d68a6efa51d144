"""Memory in which packets lie while the kernel and libsrtp work on them: nothing is copied between the two.

Each place belongs to whoever has it in hand until the next datagram is read, or written, there.
"""

from typing import Any

from pylibsrtp._binding import ffi

PLACE_BYTES = 2048
LONGEST_PACKET = 1500
"""Bytes, encrypted or not; longer ones never come near libsrtp."""
HEADROOM = 384
"""Of a place for an outgoing packet: before it there is room for the header of the incoming one."""


class Place:
    """`content` gives bytes, `view` can be written; both are the whole place. `pointer`: libsrtp's, to its packet."""

    __slots__ = ("_block", "content", "pointer", "view")

    def __init__(self, block: Any, at: int, headroom: int) -> None:
        self._block = block
        """Nothing else here keeps the memory."""
        self.pointer = block + at + headroom
        self.content: Any = ffi.buffer(block + at, PLACE_BYTES)
        self.view = memoryview(self.content)


class Places:
    """So many, one behind the other in one block of memory, which lives as long as this does."""

    def __init__(self, count: int, headroom: int = 0) -> None:
        block: Any = ffi.new("char[]", count * PLACE_BYTES)
        self.each = [Place(block, number * PLACE_BYTES, headroom) for number in range(count)]
        self.address = int(ffi.cast("uintptr_t", block)) + headroom
        """Of the first packet, for the kernel; the next is `PLACE_BYTES` on."""
        self.words = memoryview(ffi.buffer(block)).cast("H")
        """The whole block by two bytes, in the machine's order."""
