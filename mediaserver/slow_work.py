"""How much slow work one peer may cause. What is no packet of the steady state costs ten or a hundred times as much as
one, and all rooms of a worker share its loop: who asks for more than this is left unanswered, and nobody else waits.

The bounds lie far above what browsers ask for on bad links.
"""

from mediaserver.token_bucket import TokenBucket

CONTROL_PER_SECOND = 100_000
"""Octets of RTCP. Browsers send some 100 datagrams of 30 to 300 octets a second."""
NAMED_PER_SECOND = 2_000
"""Packets asked for again: a tenth of 500 a second, three times, is 150."""
MISSING_PER_SECOND = 3_000
"""Packets missing between those that came."""
UNKNOWN_PER_SECOND = 50
"""Packets of unknown streams: one is enough to know a stream by."""
RESENT_PER_SECOND = 64_000
"""Octets sent again, at least."""
_RESENT_SHARE = 1 / 3
"""Of all that a peer is sent, retransmissions included: half of what was new."""
_BURST_SECONDS = 2
"""So much of each may come at once."""
_FULL_BURST_SECONDS = 0.5
"""So much at once on a link that is known to be full."""
_FEWEST_RESENT = 2_500
"""Octets: two packets of a picture."""
_DATAGRAM = 100
"""Octets: reading a datagram costs so much beside its contents."""
_GAP = 2
"""Packets: a gap costs so much beside its length, for it is asked for at once."""


class SlowWork:
    """Of one peer. Times are `time.monotonic` seconds."""

    __slots__ = ("_control", "_missing", "_named", "_unknown", "resent")

    def __init__(self, now: float) -> None:
        self._control = _bucket(CONTROL_PER_SECOND, now)
        self._named = _bucket(NAMED_PER_SECOND, now)
        self._missing = _bucket(MISSING_PER_SECOND, now)
        self._unknown = _bucket(UNKNOWN_PER_SECOND, now)
        self.resent = _bucket(RESENT_PER_SECOND, now)
        """Octets that may be sent again."""

    def may_read(self, octets: int, now: float) -> bool:
        """Whether an RTCP datagram of so many octets is read."""
        return self._control.take(now, octets + _DATAGRAM)

    def may_look_for(self, packets: int, now: float) -> int:
        """How many of so many packets that are asked for again are looked for."""
        return self._named.take_most(now, packets)

    def is_sent(self, bits_per_second: int, budget: int | None) -> None:
        """So much goes to the peer just now; so much of it may be sent again. On a link that is known to be full
        (`budget`, bits per second), what is sent again is lost again and keeps it full: a share of what it holds."""
        self.resent.rate = max(RESENT_PER_SECOND, bits_per_second / 8 * _RESENT_SHARE)
        self.resent.burst = _BURST_SECONDS * self.resent.rate
        if budget is not None:
            self.resent.rate = min(self.resent.rate, budget / 8 * _RESENT_SHARE)
            self.resent.burst = max(_FEWEST_RESENT, _FULL_BURST_SECONDS * self.resent.rate)

    def may_miss(self, packets: int, now: float) -> bool:
        """Whether a packet is taken that comes after a gap of so many."""
        return self._missing.take(now, packets + _GAP)

    def may_learn(self, now: float) -> bool:
        """Whether a packet of an unknown stream is looked at."""
        return self._unknown.take(now)


def _bucket(rate: float, now: float) -> TokenBucket:
    return TokenBucket(rate, _BURST_SECONDS * rate, now)
