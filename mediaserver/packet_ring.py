"""The most recent packets of one incoming stream, found by their unbounded index."""


class PacketRing:
    """Holds at most `size` RTP packets (a power of two). `packets` is public for the hot path: the packet of an index
    is in slot `index & mask`, which says itself by its sequence number which index it has. Slots of packets that did
    not come are emptied by `miss`."""

    __slots__ = ("mask", "packets", "size")

    def __init__(self, size: int) -> None:
        if size & (size - 1):
            raise ValueError("a ring's size is a power of two")
        self.size = size
        self.mask = size - 1
        self.packets: list[bytes] = [b""] * size

    def miss(self, missing: range) -> None:
        """Nothing came of these indices, which follow the last one that did."""
        for index in missing[-self.size :]:
            self.packets[index & self.mask] = b""

    # Numbers come again after 65,536 packets: to be asked for one of the last `size` indices alone.

    def holds(self, index: int) -> bool:
        return self.get(index) is not None

    def get(self, index: int) -> bytes | None:
        packet = self.packets[index & self.mask]
        return packet if packet and packet[2] << 8 | packet[3] == index & 0xFFFF else None
