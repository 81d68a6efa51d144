"""What one incoming stream carries, by temporal layer: counted when somebody asks, not once a packet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediaserver.rtp import payload_offset
from mediaserver.vp8 import DESCRIPTOR_OCTETS, temporal_layer

if TYPE_CHECKING:
    from mediaserver.incoming import IncomingStream

_SHORTEST_SECONDS = 0.5
_MOST_SAMPLES = 64
"""Packets looked at for the layers' shares: a second of a small picture, a third of a large one."""
_HEADER_OCTETS = 32


class LayerRates:
    """Measured over at least half a second; the last result holds meanwhile."""

    __slots__ = ("_index", "_measured_at", "_octets", "_result")

    def __init__(self) -> None:
        self._measured_at = 0.0
        self._octets = 0
        self._index = 0
        self._result: tuple[int, ...] = (0,)

    @property
    def layers(self) -> int:
        """How many temporal layers were seen."""
        return len(self._result)

    def measure(self, stream: IncomingStream, now: float) -> tuple[int, ...]:
        """Bits per second of each temporal layer with all below it, headers included; 0 = not known."""
        elapsed = now - self._measured_at
        if elapsed < _SHORTEST_SECONDS:
            return self._result
        octets = stream.octets + _HEADER_OCTETS * stream.packets
        if self._measured_at:
            total = int((octets - self._octets) * 8 / elapsed)
            self._result = self._shared(stream, total)
        self._measured_at, self._octets, self._index = now, octets, stream.highest
        return self._result

    def _shared(self, stream: IncomingStream, total: int) -> tuple[int, ...]:
        octets = [0] * self.layers
        for index in range(max(self._index + 1, stream.highest + 1 - _MOST_SAMPLES), stream.highest + 1):
            packet = stream.ring.get(index)
            if packet is None:
                continue
            at = payload_offset(packet)
            layer = temporal_layer(packet[at : at + DESCRIPTOR_OCTETS]) if stream.layered else 0
            octets += [0] * (layer + 1 - len(octets))
            octets[layer] += len(packet)
        seen = sum(octets)
        return tuple(total * sum(octets[: layer + 1]) // seen if seen else 0 for layer in range(len(octets)))
