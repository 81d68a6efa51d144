"""Looking for more room on a limited down-link: when to pad, and how much. Pure; times are seconds, never falling.

A cluster is a short time in which media and padding together fill a goal above the budget. No sign of overuse until
the client was heard afterwards: the goal is proved. At the first sign padding ends and the next cluster waits, twice
as long after each failure.
"""

from enum import Enum

from mediaserver.downlink import Downlink

FIRST_WAIT_SECONDS = 3.0
"""After any overuse, and after the first cluster that failed."""
MOST_WAIT_SECONDS = 12.0
CLUSTER_SECONDS = 0.6
JUDGE_SECONDS = 0.6
"""Beside the round trip: a browser tells of overuse within 250 ms, a little late is no success."""
PATIENCE_SECONDS = 2.5
"""A client that says nothing for so long after a cluster has proved nothing."""
FIRST_STEP = 1.5
NEXT_STEP = 2.0
"""How far above the budget a goal may lie: at first, and after a cluster that went well."""
LEAST_STEP = 60_000
_PAUSE_SECONDS = 0.2
_REACHED = 0.85


class Backoff:
    """Waits that double with each failure in a row, up to a bound."""

    __slots__ = ("_first", "_most", "wait")

    def __init__(self, first: float, most: float) -> None:
        self._first = self.wait = first
        self._most = most

    def failed(self) -> float:
        """How long to wait now."""
        wait = self.wait
        self.wait = min(self._most, 2 * wait)
        return wait

    def succeeded(self) -> None:
        self.wait = self._first


class ProbeState(Enum):
    WAITING = "waiting"
    PADDING = "padding"
    JUDGING = "judging"


class Prober:
    """`step` once a tick. One cluster at a time."""

    __slots__ = (
        "_backoff",
        "_began",
        "_downlink",
        "_ends",
        "_goal",
        "_next",
        "_overuses",
        "_reached",
        "_sent_before",
        "_step",
        "state",
    )

    def __init__(self, downlink: Downlink) -> None:
        self.state = ProbeState.WAITING
        self._downlink = downlink
        self._backoff = Backoff(FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS)
        self._next = 0.0
        self._overuses = 0
        self._step = FIRST_STEP
        self._goal = self._sent_before = self._reached = 0
        self._began = self._ends = 0.0

    def step(self, wanted: int, sent: int, round_trip: float, now: float) -> int:
        """How many octets of padding to send now.

        `wanted`: the bits per second that would be of use; at most the budget: nothing. `sent`: all bits sent so far,
        padding and retransmissions included.
        """
        budget = self._downlink.budget
        if budget is None:
            self.state = ProbeState.WAITING
            return 0
        if self._overuses != self._downlink.overuses:
            self._overused(now)
        if self.state is ProbeState.WAITING and wanted > budget and now >= self._next:
            self._begin(wanted, budget, sent, now)
        if self.state is ProbeState.PADDING:
            return self._pad(sent, now)
        if self.state is ProbeState.JUDGING:
            self._judge(round_trip, now)
        return 0

    def _overused(self, now: float) -> None:
        self._overuses = self._downlink.overuses
        self._step = FIRST_STEP
        if self.state is ProbeState.WAITING:
            self._next = now + self._backoff.wait
        else:
            self._failed(now)

    def _failed(self, now: float) -> None:
        self.state = ProbeState.WAITING
        self._next = now + self._backoff.failed()

    def _begin(self, wanted: int, budget: int, sent: int, now: float) -> None:
        self.state = ProbeState.PADDING
        self._goal = min(wanted, max(int(budget * self._step), budget + LEAST_STEP))
        self._sent_before = sent
        self._began, self._ends = now, now + CLUSTER_SECONDS

    def _pad(self, sent: int, now: float) -> int:
        elapsed = now - self._began
        if now >= self._ends:
            self._reached = int((sent - self._sent_before) / elapsed)
            self.state = ProbeState.JUDGING
            return 0
        # One tick ahead, so that the first one pads too.
        due = self._goal * (elapsed + 0.05) - (sent - self._sent_before)
        return max(0, min(int(due), int(self._goal * 0.1))) // 8

    def _judge(self, round_trip: float, now: float) -> None:
        ended = self._ends
        if now < ended + JUDGE_SECONDS + round_trip:
            return
        budget = self._downlink.budget or 0
        if self._downlink.heard_at > ended + round_trip and self._reached > max(budget, _REACHED * self._goal):
            self._downlink.proved(min(self._reached, self._goal))
            self._backoff.succeeded()
            self._step = NEXT_STEP
            self.state = ProbeState.WAITING
            self._next = now + _PAUSE_SECONDS
        elif now > ended + PATIENCE_SECONDS or self._reached <= max(budget, _REACHED * self._goal):
            self._failed(now)
