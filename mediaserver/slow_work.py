"""How much slow work one peer may cause. What is no packet of the steady state costs ten or a hundred times as much as
one, and all rooms of a worker share its loop: who asks for more than this is left unanswered, and nobody else waits.

The bounds lie far above what browsers ask for on bad links.
"""

from mediaserver.token_bucket import TokenBucket

_CONTROL = 100_000.0, 200_000.0
"""Octets of RTCP a second, and at once. Browsers send some 100 datagrams of 30 to 300 octets a second."""
_DATAGRAM = 100
"""Octets: reading a datagram costs so much beside its contents."""
_NAMED = 2_000.0, 2_000.0
"""Packets asked for again: a tenth of 500 a second, three times, is 150."""
_MISSING = 3_000.0, 4_000.0
"""Packets missing between those that came."""
_GAP = 2
"""Packets: a gap costs so much beside its length, for it is asked for at once."""
_RESENT = 64_000.0
"""Octets sent again a second, at least; twice as much at once, for a lost keyframe."""
_RESENT_SHARE = 1 / 3
"""Of all that a peer is sent, retransmissions included: half of what was new."""
_UNKNOWN = 50.0, 100.0
"""Packets of unknown streams: one is enough to know a stream by."""


class SlowWork:
    """Of one peer. Times are `time.monotonic` seconds."""

    __slots__ = ("_control", "_missing", "_named", "_unknown", "resent")

    def __init__(self, now: float) -> None:
        self._control = TokenBucket(*_CONTROL, now)
        self._named = TokenBucket(*_NAMED, now)
        self._missing = TokenBucket(*_MISSING, now)
        self._unknown = TokenBucket(*_UNKNOWN, now)
        self.resent = TokenBucket(_RESENT, 2 * _RESENT, now)
        """Octets that may be sent again."""

    def may_read(self, octets: int, now: float) -> bool:
        """Whether an RTCP datagram of so many octets is read."""
        return self._control.take(now, octets + _DATAGRAM)

    def may_look_for(self, packets: int, now: float) -> int:
        """How many of so many packets that are asked for again are looked for."""
        return self._named.take_most(now, packets)

    def is_sent(self, bits_per_second: int) -> None:
        """So much goes to the peer just now; so much of it may be sent again."""
        self.resent.rate = max(_RESENT, bits_per_second / 8 * _RESENT_SHARE)
        self.resent.burst = 2 * self.resent.rate

    def may_miss(self, packets: int, now: float) -> bool:
        """Whether a packet is taken that comes after a gap of so many."""
        return self._missing.take(now, packets + _GAP)

    def may_learn(self, now: float) -> bool:
        """Whether a packet of an unknown stream is looked at."""
        return self._unknown.take(now)
