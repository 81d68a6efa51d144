"""The most recent packets of one incoming stream, found by their unbounded index."""

NOTHING = -1


class PacketRing:
    """Holds at most `size` packets (a power of two). `packets` and `indices` are public for the hot path:
    slot `index & mask` holds the packet of `indices[slot]`."""

    __slots__ = ("indices", "mask", "packets", "size")

    def __init__(self, size: int) -> None:
        if size & (size - 1):
            raise ValueError("a ring's size is a power of two")
        self.size = size
        self.mask = size - 1
        self.packets: list[bytes] = [b""] * size
        self.indices: list[int] = [NOTHING] * size

    def put(self, index: int, packet: bytes) -> None:
        slot = index & self.mask
        self.packets[slot] = packet
        self.indices[slot] = index

    def holds(self, index: int) -> bool:
        return self.indices[index & self.mask] == index

    def get(self, index: int) -> bytes | None:
        slot = index & self.mask
        return self.packets[slot] if self.indices[slot] == index else None
