"""Sound that carries earlier packets beside its own (RED, RFC 2198), for subscribers who take it and who don't.

A RED payload: for each earlier block a header of four octets (1 bit "more follows", 7 bits payload type, 14 bits how
much earlier, 10 bits length), then one octet with the payload type of the packet's own block, then all blocks in that
order. The own block has no length: it reaches to the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediaserver.drops import Drop, Drops
from mediaserver.rtp import PADDING

if TYPE_CHECKING:
    from mediaserver.outgoing_stream import OutgoingStream

NAME = "red"
_MORE = 0x80
_EARLIER_HEADER = 4
_ONE_OCTET_OF_PADDING = b"\x01"


def own_block(payload: bytes, payload_type: int) -> bytes:
    """The packet's own sound without the earlier blocks; empty when it is malformed or of another payload type."""
    length = len(payload)
    at = earlier = 0
    while at + _EARLIER_HEADER < length and payload[at] & _MORE:
        earlier += (payload[at + 2] & 0x03) << 8 | payload[at + 3]
        at += _EARLIER_HEADER
    if at >= length or payload[at] != payload_type:
        return b""
    return payload[at + 1 + earlier :]


class OwnBlocks:
    """Shapes the packets of one outgoing stream to plain Opus. Numbers and time stay those of plain forwarding, so that
    it may begin and end with any packet."""

    __slots__ = ("_counts", "_payload_type", "_stream", "octets", "packets")

    def __init__(self, stream: OutgoingStream, payload_type: int, drops: Drops) -> None:
        """`payload_type`: of the blocks, in the publisher's terms."""
        self._stream = stream
        self._payload_type = payload_type
        self._counts = drops.counts
        self.packets = self.octets = 0

    def shape(self, index: int, flags: int, timestamp: int, payload: bytes, send_time: int, level: int) -> None:
        """What the plain loop of `forwarder.receive_rtp` does, with the earlier blocks left out."""
        stream = self._stream
        if index < stream.first_index:
            self._counts[Drop.LATE_FOR_SUBSCRIBER] += 1
            return
        block = own_block(payload, self._payload_type)
        if not block and flags & PADDING and payload[-1] == len(payload):
            # Padding alone, with which browsers probe for bandwidth.
            block = _ONE_OCTET_OF_PADDING
        if not block:
            self._counts[Drop.RED_MALFORMED] += 1
            return
        stream.write_header(
            stream.header,
            0,
            stream.first_word | flags,
            (index + stream.sequence_offset) & 0xFFFF,
            (timestamp + stream.timestamp_offset) & 0xFFFFFFFF,
            stream.constant,
            stream.send_time_word | send_time & stream.send_time_bits,
            stream.level_word | level & stream.level_bits,
        )
        stream.send(b"".join((stream.header, block)))
        self.packets += 1
        self.octets += len(block)
