"""Tells a publisher when its packets arrived, so that the browser's own estimator finds its up-link's bandwidth.

draft-holmer-rmcat-transport-wide-cc-extensions-01. The forwarder writes `arrivals[sequence] = seconds`; each feedback
packet empties it.
"""

import struct
from operator import sub

from mediaserver.drops import Drop, Drops
from mediaserver.rtcp import transport_feedback
from mediaserver.rtp import unwrap

INTERVAL_SECONDS = 0.09
"""A little under 100 ms, so that every second tick of the worker sends."""

_TICKS_PER_SECOND = 4000
_TICKS_PER_REFERENCE = 256
_MOST_STATUSES = 300
_MOST_WAITING = 1200
"""Arrivals that did not fit. No honest sender is so far ahead; numbers strewn at random would be sorted for seconds."""
_LARGEST_DELTA = 0x7FFF
_NOT_RECEIVED, _SMALL, _LARGE = 0, 1, 2
_SYMBOLS_A_CHUNK = 7

_CHUNK = struct.Struct("!H")

_Arrival = tuple[int, int]
"""Unbounded index and arrival in ticks of 250 µs."""


class TransportFeedback:
    """The recorder of one transport. `arrivals` is kept by the forwarder and therefore emptied in place."""

    __slots__ = ("_count", "_drops", "_next", "_sent_at", "arrivals")

    def __init__(self, drops: Drops) -> None:
        self.arrivals: dict[int, float] = {}
        self._next = -1
        self._count = 0
        self._drops = drops
        self._sent_at = 0.0

    def due(self, now: float) -> bool:
        return bool(self.arrivals) and now - self._sent_at >= INTERVAL_SECONDS

    def build(self, now: float, sender_ssrc: int, media_ssrc: int) -> bytes:
        """One feedback packet about what arrived since the last; empty when there is nothing new to tell."""
        self._sent_at = now
        body = self._usual() or self._any()
        return transport_feedback(sender_ssrc, media_ssrc, body + bytes(-len(body) % 4)) if body else b""

    def _usual(self) -> bytes:
        """Nothing lost, nothing reordered, no pause: one chunk says so, and a byte a packet. Empty: it was not so."""
        arrivals = self.arrivals
        count = len(arrivals)
        first = self._next & 0xFFFF
        if not 0 < count <= _MOST_STATUSES or list(arrivals) != list(range(first, first + count)):
            return b""
        ticks = [int(seconds * _TICKS_PER_SECOND) for seconds in arrivals.values()]
        reference = ticks[0] // _TICKS_PER_REFERENCE
        try:
            deltas = bytes(map(sub, ticks, [reference * _TICKS_PER_REFERENCE, *ticks]))
        except ValueError:
            return b""
        arrivals.clear()
        self._next += count
        return self._head(first, count, reference) + _CHUNK.pack(_SMALL << 13 | count) + deltas

    def _head(self, base: int, count: int, reference: int) -> bytes:
        head = struct.pack("!HHI", base, count, (reference & 0xFFFFFF) << 8 | self._count)
        self._count = (self._count + 1) & 0xFF
        return head

    def _any(self) -> bytes:
        """Empty when there is nothing new to tell."""
        received = self._take()
        if not received:
            return b""
        base = self._next
        reference = received[0][1] // _TICKS_PER_REFERENCE
        statuses, deltas = _describe(received, base, reference * _TICKS_PER_REFERENCE)
        self._next = base + len(statuses)
        return self._head(base & 0xFFFF, len(statuses), reference) + _chunks(statuses) + deltas

    def _take(self) -> list[_Arrival]:
        """Empties `arrivals`: what fits in one packet, in rising order; the rest waits for the next one."""
        arrivals = list(self.arrivals.items())
        self.arrivals.clear()
        near = self._next if self._next >= 0 else arrivals[0][0] + 0x10000
        rising = sorted((unwrap(sequence, near), seconds) for sequence, seconds in arrivals)
        if self._next >= 0:
            rising = [(index, seconds) for index, seconds in rising if index >= self._next]
        if not rising:
            return []
        if self._next < 0 or rising[0][0] - self._next >= _MOST_STATUSES:
            self._next = rising[0][0]
        end = self._next + _MOST_STATUSES
        waiting = [each for each in rising if each[0] >= end]
        if len(waiting) <= _MOST_WAITING:
            self.arrivals.update((index & 0xFFFF, seconds) for index, seconds in waiting)
        else:
            self._drops.counts[Drop.ARRIVAL_NOT_TOLD] += len(waiting)
        return [(index, int(seconds * _TICKS_PER_SECOND)) for index, seconds in rising if index < end]


def _describe(received: list[_Arrival], base: int, time: int) -> tuple[list[int], bytes]:
    """A status for every index from `base` on, and the arrival deltas of those received."""
    statuses: list[int] = []
    deltas = bytearray()
    for index, tick in received:
        delta = tick - time
        missing = index - base - len(statuses)
        if missing:
            statuses += [_NOT_RECEIVED] * missing
        if 0 <= delta <= 0xFF:
            statuses.append(_SMALL)
            deltas.append(delta)
        else:
            delta = max(-_LARGEST_DELTA, min(_LARGEST_DELTA, delta))
            statuses.append(_LARGE)
            deltas += delta.to_bytes(2, "big", signed=True)
        time += delta
    return statuses, bytes(deltas)


def _chunks(statuses: list[int]) -> bytes:
    """Run-length chunks for long runs, two-bit vectors of seven for the rest."""
    chunks = bytearray()
    at = 0
    while at < len(statuses):
        status = statuses[at]
        run = len(statuses) if not at and statuses.count(status) == len(statuses) else 1
        while at + run < len(statuses) and statuses[at + run] == status:
            run += 1
        if run > _SYMBOLS_A_CHUNK or at + run == len(statuses):
            chunks += _CHUNK.pack(status << 13 | run)
            at += run
            continue
        word = 0b11
        for status in [*statuses[at : at + _SYMBOLS_A_CHUNK], *[0] * _SYMBOLS_A_CHUNK][:_SYMBOLS_A_CHUNK]:
            word = word << 2 | status
        chunks += _CHUNK.pack(word)
        at += _SYMBOLS_A_CHUNK
    return bytes(chunks)
