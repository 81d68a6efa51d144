"""One running RTP clock for what comes from several streams, each with a clock of its own.

Layers of one publisher are laid over each other by their sender reports, which name the same NTP time; without those,
and for another publisher, by the time that passes between arrivals.
"""

from __future__ import annotations

from mediaserver.incoming import IncomingStream

_FARTHEST_SECONDS = 2.0
"""Sender reports that disagree so much with arrivals are wrong."""


class Timeline:
    """`offset`: what is added to the present stream's timestamps."""

    __slots__ = ("_arrival", "_identity", "_lag", "_last", "offset")

    def __init__(self) -> None:
        self.offset = 0
        self._identity = -1
        self._last = 0
        self._arrival = 0.0
        self._lag = 0
        """How much later than right the present stream is shown, since time never goes back."""

    def stopped(self, stream: IncomingStream) -> None:
        """What went out last came from `stream`."""
        self._last = stream.timestamp + self.offset
        self._arrival = stream.arrival

    def begin(self, stream: IncomingStream, timestamp: int, now: float, before: IncomingStream | None) -> None:
        """From `timestamp` on, `stream` is followed. `before`: the publisher's layer that was followed until now."""
        if stream.identity == self._identity:
            return
        if self._identity >= 0:
            passed = max(1, int((now - self._arrival) * stream.clock_rate))
            right = _by_reports(before, stream, timestamp)
            if right is not None:
                right += self.offset - self._lag
            if right is None or abs(_distance(self._last + passed, right)) > _FARTHEST_SECONDS * stream.clock_rate:
                self._lag = 0
                self.offset = self._last + passed - timestamp
            else:
                self._lag = max(0, 1 - _distance(self._last, right))
                self.offset = right + self._lag - timestamp
        self._identity = stream.identity


def _by_reports(before: IncomingStream | None, stream: IncomingStream, timestamp: int) -> int | None:
    """`timestamp` of `stream` on the clock of `before` (RFC 3550 section 6.4.1)."""
    then = before.reception.report if before is not None else None
    now = stream.reception.report
    if then is None or now is None:
        return None
    ticks = _distance(now.rtp_timestamp, timestamp)
    between = (now.ntp - then.ntp) * stream.clock_rate >> 32
    return then.rtp_timestamp + between + ticks


def _distance(start: int, end: int) -> int:
    """Ticks from `start` to `end` on a clock of 32 bits."""
    return ((end - start + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
