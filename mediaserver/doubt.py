"""A sign of overuse that is waited with until the link itself was asked.

Browsers judge the delay of each picture. With ten or twenty of them a second, on a machine that has other things to
do, they see queues where there are none, and tell it by a REMB. A queue shows in the round trip of a sender report
(RFC 3550 section 6.4.1) sent at that moment; the answer comes with the next receiver report, within a second.
"""

from typing import NamedTuple

PATIENCE_SECONDS = 1.2
"""Without an answer for so long the sign is believed."""
_AS_GOOD_AS_THEN = 0.05
"""What was sent so shortly before the sign tells of it too."""


class RoundTrip(NamedTuple):
    seconds: float
    since: float
    """When that was sent which was answered."""


class Doubt:
    """Open from `begin` to `end`. It is asked twice: one long round trip may be a machine busy elsewhere, too."""

    __slots__ = ("_asked_at", "_confirmed", "_since", "asks", "budget")

    def __init__(self) -> None:
        self._since = self._asked_at = float("inf")
        self._confirmed = False
        self.budget = 0
        """What would hold if it were true, bits per second."""
        self.asks = False
        """A sender report is wanted; reset by who sends it."""

    @property
    def open(self) -> bool:
        return self._since < float("inf")

    def begin(self, budget: int, now: float) -> None:
        self._since = self._asked_at = now
        self._confirmed, self.budget, self.asks = False, budget, True

    def end(self) -> None:
        self._since, self.asks = float("inf"), False

    def answered(self, round_trip: RoundTrip) -> bool:
        return self.open and round_trip.since >= self._asked_at - _AS_GOOD_AS_THEN

    def confirmed(self, now: float) -> bool:
        """There was a queue. Whether that is enough; else it is asked again."""
        if self._confirmed:
            return True
        self._confirmed, self._asked_at, self.asks = True, now, True
        return False

    def overdue(self, now: float) -> bool:
        return now - self._since > PATIENCE_SECONDS
