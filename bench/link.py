"""A bad network in one direction, as a plain model: what happens to each packet, and when it arrives.

No sockets and no clock of its own, so a run is repeatable: the same seed, moments and sizes give the same fates.
"""

import math
import random
from dataclasses import dataclass
from typing import Annotated

import msgspec

IP_AND_UDP_HEADERS = 28
"""Bytes a real link carries besides the payload (IPv4 and UDP, RFC 791 and 768)."""

MAXIMUM_ON_THE_WAY = 4096
"""Packets that may be on the way at once; a bound for memory, far above any real path."""

Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]


class Impairment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a link does to its packets. The default does nothing."""

    delay_ms: NotNegative = 0
    jitter_ms: NotNegative = 0
    """Up to so much more delay, evenly spread; packets keep their order."""
    loss: Probability = 0
    duplicate: Probability = 0
    reorder: Probability = 0
    """How often a packet is held back by `reorder_ms`, so that later ones overtake it."""
    reorder_ms: NotNegative = 20
    rate_kbps: NotNegative = 0
    """Bits on the wire, headers included, in 1000 bit/s; 0 = without limit."""
    queue_ms: NotNegative = 300
    """How long a full queue before the rate limit takes to empty; what does not fit is dropped (tail drop)."""
    blackout: bool = False


@dataclass(slots=True)
class Counters:
    received: int = 0
    forwarded: int = 0
    lost: int = 0
    overflowed: int = 0
    blacked_out: int = 0
    duplicated: int = 0
    reordered: int = 0


class Link:
    """One direction of a path."""

    def __init__(self, impairment: Impairment, seed: int) -> None:
        self.impairment = impairment
        self.counters = Counters()
        self._random = random.Random(seed)
        self._wire_free_at = 0.0
        self._last_arrival = -math.inf

    def arrivals(self, now: float, size: int, on_the_way: int = 0) -> tuple[float, ...]:
        """When a payload of `size` bytes sent at `now` arrives: never, once or twice. Seconds, as `now`."""
        counters, impairment = self.counters, self.impairment
        counters.received += 1
        if impairment.blackout:
            counters.blacked_out += 1
            return ()
        if self._random.random() < impairment.loss:
            counters.lost += 1
            return ()
        sent = self._through_queue(now, size)
        if sent is None or on_the_way >= MAXIMUM_ON_THE_WAY:
            counters.overflowed += 1
            return ()
        counters.forwarded += 1
        arrival = self._travel(sent)
        if self._random.random() < impairment.duplicate:
            counters.duplicated += 1
            return (arrival, arrival)
        return (arrival,)

    def _through_queue(self, now: float, size: int) -> float | None:
        """When the last bit is on the wire; None when the queue is full."""
        rate = self.impairment.rate_kbps * 1000
        if rate == 0:
            return now
        waiting = max(0.0, self._wire_free_at - now)
        needed = (size + IP_AND_UDP_HEADERS) * 8 / rate
        if waiting > 0 and waiting + needed > self.impairment.queue_ms / 1000:
            return None
        self._wire_free_at = now + waiting + needed
        return self._wire_free_at

    def _travel(self, sent: float) -> float:
        impairment = self.impairment
        arrival = sent + (impairment.delay_ms + self._random.random() * impairment.jitter_ms) / 1000
        if self._random.random() < impairment.reorder:
            self.counters.reordered += 1
            return max(arrival, self._last_arrival) + impairment.reorder_ms / 1000
        # Strictly later, because timers of equal moments may fire in any order.
        self._last_arrival = max(arrival, math.nextafter(self._last_arrival, math.inf))
        return self._last_arrival
