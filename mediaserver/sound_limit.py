"""How much sound one stream may carry on to everybody: sound is never given up for the link's sake, so it is bounded
where it comes in. Counted at each tick, not once a packet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mediaserver.incoming import IncomingStream

OCTETS_PER_SECOND = 75_000
"""600 kbit/s. Opus itself ends at 510 (RFC 6716 section 2.1.1)."""
DOUBLED_OCTETS_PER_SECOND = 187_500
"""Of RED, which carries what came before once more, or twice: 1.5 Mbit/s."""
PACKETS_PER_SECOND = 200
"""Browsers send 50, or 100 short ones."""
_BURST_SECONDS = 2.0
"""So much may come at once, after a network held it up."""


class SoundLimit:
    """Of one stream: what it may still carry on. What went beyond it has to be waited for."""

    __slots__ = ("_looked_at", "_octets", "_octets_before", "_packets", "_packets_before", "_rate")

    def __init__(self) -> None:
        self._rate = OCTETS_PER_SECOND
        self._octets = _BURST_SECONDS * OCTETS_PER_SECOND
        self._packets = _BURST_SECONDS * PACKETS_PER_SECOND
        self._octets_before = self._packets_before = 0
        self._looked_at = float("-inf")

    def exceeded(self, stream: IncomingStream, now: float) -> bool:
        """Whether the stream has carried more than it may by now. To be asked once a tick."""
        codec = stream.published.codecs.get(stream.payload_type)
        if codec is not None:
            self._rate = DOUBLED_OCTETS_PER_SECOND if codec.blocks else OCTETS_PER_SECOND
        elapsed = min(_BURST_SECONDS, now - self._looked_at)
        octets = self._octets + elapsed * self._rate - (stream.octets - self._octets_before)
        packets = self._packets + elapsed * PACKETS_PER_SECOND - (stream.packets - self._packets_before)
        self._octets = min(octets, _BURST_SECONDS * self._rate)
        self._packets = min(packets, _BURST_SECONDS * PACKETS_PER_SECOND)
        self._octets_before, self._packets_before = stream.octets, stream.packets
        self._looked_at = now
        return self._octets < 0 or self._packets < 0
