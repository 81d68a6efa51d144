"""Looking for more room on a limited down-link: when to pad, and how much. Pure; times are seconds, never falling.

A cluster is a short time in which media and padding together fill a goal above the budget. No sign of overuse until
the client was heard afterwards, and no queue at its end where round trips are told: the goal is proved. At the first
sign padding ends and the next cluster waits, twice as long after each failure.
"""

from enum import Enum

from mediaserver.downlink import Downlink
from mediaserver.ticks import TICK_SECONDS

FIRST_WAIT_SECONDS = 3.0
"""After any overuse, after the first cluster that failed, and after one that proved little."""
MOST_WAIT_SECONDS = 8.0
CLUSTER_SECONDS = 0.6
JUDGE_SECONDS = 0.6
"""Beside the round trip: a browser tells of overuse within 250 ms, a little late is no success."""
BLIND_CLUSTER_SECONDS = 1.0
BLIND_JUDGE_SECONDS = 1.2
"""Of a client that tells no estimates: the cluster has to fill the queue before anything is lost, and reports of loss
come once a second."""
PATIENCE_SECONDS = 2.5
"""A client that says nothing for so long after a cluster has proved nothing."""
BLIND_PATIENCE_SECONDS = 6.0
"""Without estimates and without pictures there are reports on sound alone, every five seconds."""
FIRST_STEP = 1.35
NEXT_STEP = 2.0
"""How far above the budget a goal may lie: while the link is most likely as it was at the last overuse, and once it
has proved to hold more. A first one goes no further than to what would be of use: most likely it disturbs."""
LEAST_STEP = 60_000
MOST_GOAL = 10_000_000
"""No cluster sends more, whatever it is told of use."""
PAUSE_SECONDS = 0.2
_MOST_QUEUE = 0.15
"""Seconds, at the end of a cluster. A third too much fills a queue of 0.2; a phone's up-link alone wavers by 0.1."""
_ANSWER_SECONDS = 1.2
"""So long after a cluster its round trip is waited for."""
_REACHED = 0.85
_RETREAT = 0.85
_FELLED = 0.5
_ANOTHER_LINK = 1.1
"""A link that held so much more than at the last overuse has changed."""


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
        "_asked",
        "_backoff",
        "_began",
        "_budget",
        "_downlink",
        "_ends",
        "_full_at",
        "_goal",
        "_judged_after",
        "_next",
        "_patience",
        "_reached",
        "_sent_before",
        "asks",
        "state",
    )

    def __init__(self, downlink: Downlink) -> None:
        self.state = ProbeState.WAITING
        self._downlink = downlink
        self._backoff = Backoff(FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS)
        self._next = 0.0
        self._full_at = 0
        """What filled the link at the last overuse, bits per second."""
        self._goal = self._budget = self._sent_before = self._reached = 0
        self._began = self._ends = 0.0
        self._asked = self.asks = False
        """A sender report is wanted; reset by who sends it."""
        self._judged_after, self._patience = JUDGE_SECONDS, PATIENCE_SECONDS

    def overused(self, now: float, sent: int) -> bool:
        """The down-link has seen overuse. Whether a cluster did it: then it ends, and the budget is as before it. A
        budget far below what was `sent` of late (bits per second) was not felled by so little."""
        budget = self._downlink.budget or 0
        probed = self.state is not ProbeState.WAITING and budget > min(sent, self._budget) * _FELLED
        if self.state is not ProbeState.WAITING:
            self._failed(now)
        else:
            # What held until now is looked for soon, however often more than that was looked for.
            self._next = now + FIRST_WAIT_SECONDS
        if probed:
            self._downlink.restore(self._budget, now)
        held = self._downlink.budget or 0
        self._full_at = held if self._downlink.blind(now) else int(held / _RETREAT)
        return probed

    def padded(self, since: float) -> bool:
        """Whether it sends just now, or did after that moment."""
        return self.state is ProbeState.PADDING or self._ends > since

    def step(self, wanted: int, full: int, sent: int, round_trip: float, now: float) -> int:
        """How many octets of padding to send now.

        `wanted`: the least bits per second that would be of more use than the budget, `full`: the most. `sent`: all
        bits sent so far, padding and retransmissions included.
        """
        budget = self._downlink.budget
        if budget is None:
            self.state = ProbeState.WAITING
            return 0
        may_begin = now >= self._next and not self._downlink.doubt.open
        if self.state is ProbeState.WAITING and budget < min(full, MOST_GOAL) and may_begin:
            self._begin(wanted, full, budget, sent, now)
        if self.state is ProbeState.PADDING:
            return self._pad(sent, now)
        if self.state is ProbeState.JUDGING:
            self._judge(budget, round_trip, now)
        return 0

    def _begin(self, wanted: int, full: int, budget: int, sent: int, now: float) -> None:
        self.state = ProbeState.PADDING
        blind = self._downlink.blind(now)
        another = budget > self._full_at * _ANOTHER_LINK
        goal = min(full, int(budget * NEXT_STEP)) if another else min(wanted, int(budget * FIRST_STEP))
        self._goal = min(MOST_GOAL, max(budget + LEAST_STEP, goal))
        self._budget, self._asked = budget, False
        self._sent_before = sent
        self._began, self._ends = now, now + (BLIND_CLUSTER_SECONDS if blind else CLUSTER_SECONDS)
        self._judged_after = BLIND_JUDGE_SECONDS if blind else JUDGE_SECONDS
        self._patience = BLIND_PATIENCE_SECONDS if blind else PATIENCE_SECONDS

    def _pad(self, sent: int, now: float) -> int:
        elapsed = now - self._began
        if now + TICK_SECONDS >= self._ends and not self._asked:
            self._asked = self.asks = True
            self._downlink.ask_queue(now)
        if now >= self._ends:
            self._reached = int((sent - self._sent_before) / elapsed)
            # The tick may have come late.
            self._ends = now
            self.state = ProbeState.JUDGING
            return 0
        # One tick ahead, so that the first one pads too.
        due = self._goal * (elapsed + TICK_SECONDS) - (sent - self._sent_before)
        return max(0, min(int(due), int(self._goal * 0.1))) // 8

    def _judge(self, budget: int, round_trip: float, now: float) -> None:
        queue = self._downlink.queue
        awaited = queue is None and self._downlink.answers(now) and now < self._ends + _ANSWER_SECONDS
        if self._reached <= max(budget, _REACHED * self._goal) or now > self._ends + self._patience:
            self._failed(now)
        elif queue is not None and queue > _MOST_QUEUE:
            # A REMB far below what is sent can't fall, and lost padding is missed by nobody: only the queue tells.
            self._failed(now)
        elif awaited or now < self._ends + self._judged_after + round_trip:
            return
        elif self._downlink.heard_at > self._ends + round_trip:
            self._succeeded(now)

    def _succeeded(self, now: float) -> None:
        self._downlink.proved(min(self._reached, self._goal), now)
        self.state = ProbeState.WAITING
        self._next = now + PAUSE_SECONDS
        if self._reached > self._full_at * _ANOTHER_LINK:
            self._backoff.succeeded()
        else:
            self._next += FIRST_WAIT_SECONDS

    def _failed(self, now: float) -> None:
        self.state = ProbeState.WAITING
        self._next = now + self._backoff.failed()
