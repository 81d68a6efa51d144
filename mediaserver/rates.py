"""What one incoming stream carries, by temporal layer: counted when somebody asks, not once a packet."""

from __future__ import annotations

from collections import deque
from itertools import zip_longest
from statistics import median_low
from typing import TYPE_CHECKING, NamedTuple

from mediaserver.rtp import HEADER, payload_offset
from mediaserver.vp8 import DESCRIPTOR_OCTETS, temporal_layer

if TYPE_CHECKING:
    from mediaserver.incoming import IncomingStream

_SHORTEST_SECONDS = 0.5
_MOST_SAMPLES = 3
"""What holds is the middle one of so many: a keyframe among them is no rate. More would notice a change too late."""
_MOST_PACKETS = 64
"""Looked at for the layers' shares: a second of a small picture, a third of a large one."""
_HEADER_OCTETS = 32


class _Sample(NamedTuple):
    bits_per_second: int
    octets: tuple[int, ...]
    """By temporal layer."""
    frames_per_second: float


class LayerRates:
    """Each sample is measured over at least half a second; the last result holds meanwhile."""

    __slots__ = ("_index", "_measured_at", "_octets", "_result", "_samples", "frames_per_second")

    def __init__(self) -> None:
        self._measured_at = 0.0
        self._octets = 0
        self._index = 0
        self._samples: deque[_Sample] = deque(maxlen=_MOST_SAMPLES)
        self._result: tuple[int, ...] = (0,)
        self.frames_per_second = 0.0
        """Of all temporal layers; 0 = not known."""

    @property
    def layers(self) -> int:
        """How many temporal layers were seen."""
        return len(self._result)

    def pause(self) -> None:
        """Nothing is sent just now: what comes later is measured anew."""
        if self._measured_at:
            self._measured_at = 0.0
            self._samples.clear()
            self._result = (0,) * self.layers
            self.frames_per_second = 0.0

    def measure(self, stream: IncomingStream, now: float) -> tuple[int, ...]:
        """Bits per second of each temporal layer with all below it, headers included; 0 = not known."""
        elapsed = now - self._measured_at
        if elapsed < _SHORTEST_SECONDS or (self._measured_at and stream.highest == self._index):
            return self._result
        octets = stream.octets + _HEADER_OCTETS * stream.packets
        if self._measured_at:
            self._samples.append(self._sample(stream, int((octets - self._octets) * 8 / elapsed)))
            self._conclude()
        self._measured_at, self._octets, self._index = now, octets, stream.highest
        return self._result

    def _sample(self, stream: IncomingStream, bits_per_second: int) -> _Sample:
        octets = [0] * self.layers
        timestamps: list[int] = []
        for index in range(max(self._index + 1, stream.highest + 1 - _MOST_PACKETS), stream.highest + 1):
            packet = stream.ring.get(index)
            if packet is None:
                continue
            at = payload_offset(packet)
            layer = temporal_layer(packet[at : at + DESCRIPTOR_OCTETS]) if stream.layered else 0
            octets += [0] * (layer + 1 - len(octets))
            octets[layer] += len(packet)
            timestamps.append(HEADER.unpack_from(packet)[2])
        ticks = (timestamps[-1] - timestamps[0]) & 0xFFFFFFFF if timestamps else 0
        frames = (len(set(timestamps)) - 1) * stream.clock_rate / ticks if ticks else 0.0
        return _Sample(bits_per_second, tuple(octets), frames)

    def _conclude(self) -> None:
        total = median_low(sample.bits_per_second for sample in self._samples)
        octets = [sum(layer) for layer in zip_longest(*(sample.octets for sample in self._samples), fillvalue=0)]
        seen = sum(octets)
        self._result = tuple(total * sum(octets[: layer + 1]) // seen if seen else 0 for layer in range(len(octets)))
        self.frames_per_second = median_low(sample.frames_per_second for sample in self._samples)
