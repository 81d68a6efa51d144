"""What one peer's down-link holds: the estimator of one subscriber's transport. Pure; times are seconds, never falling.

What browsers tell of it is little. A REMB (draft-alvestrand-rmcat-remb-03) falls to 0.85 of what arrives when the
delay grows, and so measures a full link well; otherwise it rises by 8 % a second at most and stays below 1.5 times
what arrives, and so says nothing of a link that is not full. Therefore two states: free (`budget` None) until the
first sign of overuse, then limited. A budget falls by REMB, loss or, where no REMB comes, by a growing round trip;
it rises with a REMB that rises above it, or when a probe went well (`proved`). What follows at once after that shows
that it was too much, and not how much less there is: then it falls to a little below what held before. A REMB that
nothing else confirms is doubted (`doubt.py`) until the round trip says whether there is a queue.

Loss: more than a tenth lost is a full link (draft-ietf-rmcat-gcc-02 section 6), less is the path's own. So is loss
that stays although less is sent.
"""

from collections import deque
from math import sqrt

from mediaserver.doubt import Doubt, RoundTrip
from mediaserver.rtcp import Nack, ReportBlock

LEAST_BUDGET = 30_000
"""Bits per second; no sign brings a budget below it."""

SENT_SECONDS = 1.0
"""What is sent is measured over so long."""
_FALL = 0.97
"""A REMB below so much of the last one tells of overuse; smaller steps are rounding."""
_FIRST_BELOW_SENT = 0.7
_LITTLE_SENT = 300_000
"""The first REMB has none before it: so far below what is sent it tells of overuse too, when that is not little."""
_RETREAT = 0.85
_MOST_LOSS = 0.1
_SIGMAS = 0.6
"""Two standard deviations of a tenth lost among n packets are 0.6·√n."""
_BLIND_DEPTH = 150_000
"""What sound and the smallest pictures take."""
_FEWEST_PACKETS = 20
_LOSS_WINDOW_SECONDS = 2.0
_LOSS_STEP_SECONDS = 0.1
"""What comes together is counted together, so that a flood of NACKs costs no more than a few."""
_SETTLE_SECONDS = 1.0
"""After a retreat: what is lost or late this soon was sent before it."""
_UNHELPED = 0.75
_LESS = 0.9
_MOST_ACCUSTOMED = 0.15
_STUCK_SECONDS = 2.0
"""A REMB below what is sent that does not rise for so long: the link stays full."""
_MOST_RISE = 1.3
"""With one REMB."""
_ECHO_SECONDS = 2.0
"""Overuse so soon after something was proved is its doing."""
_OVERHEAD = 30_000
"""Headers are in what is sent, but not in a REMB."""
_QUEUE_SECONDS = 0.25
_NO_QUEUE_SECONDS = 0.05
_ROUND_TRIP_SECONDS = 5.0
"""Who has told no round trip for so long won't answer soon."""
_BASE_SECONDS = 8.0
_FEWEST_IN_BASE, _MOST_IN_BASE = 4, 64
"""The shortest round trip of so long, and of so many, is that without a queue; a route that changed looks like one for
as long."""
_SAME_MOMENT = 0.04
"""What was sent later than that after it was asked finds the queue drained, and is no answer."""
_REMB_SECONDS = 5.0
_STALE_REPORT = 1 << 15
_FORGOTTEN_SECONDS = 10.0
"""From a NACK so long ago one can't count on: sequence numbers come round."""


class Downlink:
    """`budget` is for everything sent on the transport, bits per second of RTP payload; None: no limit is known."""

    __slots__ = (
        "_accustomed",
        "_answered_since",
        "_asked_at",
        "_estimated_at",
        "_forgives_until",
        "_highest",
        "_loss_at_retreat",
        "_losses",
        "_missed",
        "_proved_at",
        "_proved_from",
        "_risen_at",
        "_round_trip_at",
        "_round_trips",
        "_sent_at_retreat",
        "budget",
        "doubt",
        "estimate",
        "fallen_from",
        "heard_at",
        "overused_at",
        "overuses",
        "queue",
    )

    def __init__(self) -> None:
        self.budget: int | None = None
        self.estimate = 0
        """The last REMB; of pictures alone."""
        self.heard_at = float("-inf")
        """When the last REMB or report came."""
        self.overused_at = float("-inf")
        self.overuses = 0
        """How often overuse was seen."""
        self.fallen_from = 0
        """The budget before the last overuse; what was sent, when there was none."""
        self._estimated_at = float("-inf")
        self._highest: dict[int, int] = {}
        """By SSRC: the highest sequence number reported."""
        self._missed: dict[int, tuple[int, float]] = {}
        """By SSRC: the last sequence number asked for again, and when."""
        self._losses: deque[tuple[float, int, float]] = deque()
        """(when told, packets, packets lost)"""
        self._forgives_until = float("-inf")
        self._loss_at_retreat = 0.0
        self._sent_at_retreat = 0
        self._proved_at = float("-inf")
        self._proved_from = 0
        """The budget before that."""
        self._risen_at = float("-inf")
        self._accustomed = 0.0
        """Loss that is the path's own."""
        self._round_trips: deque[RoundTrip] = deque(maxlen=_MOST_IN_BASE)
        self._round_trip_at = self._answered_since = float("-inf")
        """When one was told last, and when that was sent which was answered."""
        self._asked_at = float("-inf")
        self.queue: float | None = None
        """Seconds in the queue when it was last asked for; None: not told yet."""
        self.doubt = Doubt()

    def blind(self, now: float) -> bool:
        """No REMB comes, as from Chromium while its first encoding has sent nothing: overuse shows late, as loss."""
        return now - self._estimated_at > _REMB_SECONDS

    def ask_queue(self, now: float) -> None:
        """A sender report goes out now; `queue` will tell what its round trip says."""
        self._asked_at, self.queue = now, None

    def answers(self, now: float) -> bool:
        """Whether round trips are told: a sender report sent now will most likely be answered."""
        return now - self._round_trip_at < _ROUND_TRIP_SECONDS

    def estimated(self, bits_per_second: int, sent: int, now: float, *, sound: int = 0, padded: bool = False) -> None:
        """A REMB came, which browsers tell of pictures alone. `sent`: bits per second sent of late; `sound`: those of
        sound among them. `padded`: some of it was sent to look for more."""
        before, self.estimate = self.estimate, bits_per_second
        self._estimated_at = self.heard_at = now
        pictures = sent - sound
        if bits_per_second > before:
            self.doubt.end()
        if bits_per_second > before or bits_per_second > pictures * _LESS - _OVERHEAD:
            self._risen_at = now
        first_above = pictures * _FIRST_BELOW_SENT if pictures > _LITTLE_SENT else 0
        if bits_per_second < (before * _FALL if before else first_above):
            self._suspected(bits_per_second + sound, sent, now, certain=padded or not before)
        elif self.budget is not None and bits_per_second > before:
            self._risen(bits_per_second + sound, self.budget, 0 if padded else sent, now)
        elif self.budget is not None and not self.doubt.open and self._stays(now):
            # It would rise if the link were not full; but it may have stayed from when little was sent.
            stuck = max(bits_per_second + sound, int(_RETREAT * min(sent, self.budget)))
            self._suspected(min(self.budget, stuck), sent, now, certain=padded)

    def _stays(self, now: float) -> bool:
        return now - max(self._risen_at, self.overused_at) > _STUCK_SECONDS

    def _risen(self, bits_per_second: int, budget: int, sent: int, now: float) -> None:
        """It would not rise if what is sent were too much, also where a publisher sends more than it was told to."""
        settled = now - self.overused_at > 2 * _SETTLE_SECONDS and self._loss()[1] < _MOST_LOSS
        held = min(sent, int(budget * _MOST_RISE)) if settled else 0
        self.budget = max(budget, bits_per_second, held)

    def _suspected(self, budget: int, sent: int, now: float, *, certain: bool) -> None:
        """A second sign confirms the first."""
        if now < self._forgives_until:
            return
        calm = now - max(self.overused_at, self._proved_at) > _ECHO_SECONDS and self._loss()[1] < _MOST_LOSS
        if certain or self.doubt.open or not (calm and self.answers(now)):
            self._fell(budget, sent, now)
        else:
            self.doubt.begin(budget, now)

    def settle(self, sent: int, now: float) -> None:
        """Every now and then: a doubt that nobody answers ends."""
        if self.doubt.overdue(now):
            self._fell(self.doubt.budget, sent, now)

    def _fell(self, bits_per_second: int, sent: int, now: float) -> None:
        # A REMB is an average: while it follows a sudden fall each is above the truth, and loss may tell more.
        packets, fraction = self._loss()
        budget = bits_per_second
        if packets >= _FEWEST_PACKETS and fraction > _MOST_LOSS:
            budget = min(budget, int(sent * (1 - fraction)))
        if self.budget is not None and now - self.overused_at < _SETTLE_SECONDS:
            budget = min(budget, self.budget)
        self._overused(budget, sent, now)

    def reported(self, block: ReportBlock, sent: int, now: float) -> None:
        """A receiver report about one of our streams came."""
        self.heard_at = now
        before = self._highest.get(block.ssrc)
        self._highest[block.ssrc] = block.highest_sequence
        packets = 0 if before is None else (block.highest_sequence - before) & 0xFFFFFFFF
        self._lost(packets, packets * block.fraction_lost / 256, sent, now)

    def missed(self, nack: Nack, sent: int, now: float) -> None:
        """A NACK came: the fastest sign of a link suddenly full. What it does not name up to its last was received."""
        self.heard_at = now
        if not nack.sequences:
            return
        last = nack.sequences[-1]
        before, when = self._missed.get(nack.media_ssrc, (last, now))
        covered = (last - before) & 0xFFFF
        if covered >= _STALE_REPORT and now - when < _FORGOTTEN_SECONDS:
            return  # asks again for what it asked for before
        self._missed[nack.media_ssrc] = last, now
        if now - when < _FORGOTTEN_SECONDS:
            fresh = sum(1 for each in nack.sequences if 0 < (each - before) & 0xFFFF <= covered)
            self._lost(covered, fresh, sent, now)

    def forget(self, ssrc: int) -> None:
        """Nothing more is sent under it."""
        self._highest.pop(ssrc, None)
        self._missed.pop(ssrc, None)

    def _lost(self, packets: int, lost: float, sent: int, now: float) -> None:
        if not 0 < packets < _STALE_REPORT or now - self.overused_at < _SETTLE_SECONDS:
            return
        losses = self._losses
        if losses and now - losses[-1][0] < _LOSS_STEP_SECONDS:
            since, packets_before, lost_before = losses.pop()
            losses.append((since, packets_before + packets, lost_before + lost))
        else:
            losses.append((now, packets, lost))
        while now - losses[0][0] > _LOSS_WINDOW_SECONDS:
            losses.popleft()
        self._judge_loss(sent, now)

    def _loss(self) -> tuple[int, float]:
        """How many packets the window covers, and which share of them was lost."""
        packets = sum(each[1] for each in self._losses)
        return packets, sum(each[2] for each in self._losses) / max(1, packets)

    def _judge_loss(self, sent: int, now: float) -> None:
        packets, fraction = self._loss()
        if packets < _FEWEST_PACKETS:
            return
        self._accustomed = min(self._accustomed, fraction)
        if fraction <= _MOST_LOSS + self._accustomed + _SIGMAS / sqrt(packets):
            if fraction < _MOST_LOSS:
                self._sent_at_retreat = 0
            return
        unhelped = sent < _LESS * self._sent_at_retreat and fraction > _UNHELPED * self._loss_at_retreat
        if unhelped and fraction < 2 * _MOST_ACCUSTOMED:
            self._accustomed = min(_MOST_ACCUSTOMED, fraction)
            return
        self._loss_at_retreat, self._sent_at_retreat = fraction, sent
        budget = min(int(sent * (1 - fraction)), self.budget or sent)
        if self.blind(now):
            # Nothing else will tell that it was a keyframe's burst that was lost: no deeper than halfway at once.
            budget = max(budget, min(_BLIND_DEPTH, (self.budget or sent) // 2))
        self._overused(budget, sent, now)

    def measured_round_trip(self, round_trip: RoundTrip, sent: int, now: float) -> None:
        """Answers doubts. Else it counts only where no REMB comes, or a REMB that has not yet risen to what is sent and
        so can't fall: the browser's own view of delay is finer. A negative one is a report's mistake, or a lie; and
        what was sent once is answered with every report until the next one is."""
        self._round_trip_at = now
        asked = self.queue is None and 0 <= round_trip.since - self._asked_at < _SAME_MOMENT
        if round_trip.seconds < 0 or (round_trip.since <= self._answered_since and not asked):
            return
        queue = round_trip.seconds - self._shortest(round_trip, now)
        if asked:
            self.queue = queue
        self._answered_since = max(round_trip.since, self._answered_since)
        if self.doubt.answered(round_trip):
            if queue <= _NO_QUEUE_SECONDS:
                self.doubt.end()
                self._risen_at = now
            elif queue > _QUEUE_SECONDS or self.doubt.confirmed(now):
                self._fell(self.doubt.budget, sent, now)
                return
        if (
            queue > _QUEUE_SECONDS
            and (self.blind(now) or self.estimate < sent)
            and now - self.overused_at > _SETTLE_SECONDS
        ):
            self._overused(int(sent * _RETREAT), sent, now)

    def _shortest(self, round_trip: RoundTrip, now: float) -> float:
        """The shortest round trip of late, this one among them."""
        trips = self._round_trips
        trips.append(round_trip)
        while len(trips) > _FEWEST_IN_BASE and now - trips[0].since > _BASE_SECONDS:
            trips.popleft()
        return min(each.seconds for each in trips)

    def _overused(self, budget: int, sent: int, now: float) -> None:
        self.doubt.end()
        self.fallen_from = self.budget or sent
        if now - self._proved_at < _ECHO_SECONDS:
            budget = max(budget, int(_RETREAT * self._proved_from))
            self._forgives_until = now + _SETTLE_SECONDS
        self._proved_at = float("-inf")
        self.budget = max(LEAST_BUDGET, budget)
        self.overused_at = now
        self.overuses += 1
        # What is reported next tells of packets sent before the retreat; only what comes after that counts again.
        self._losses.clear()
        self._highest.clear()
        self._missed.clear()

    def proved(self, bits_per_second: int, now: float) -> None:
        """So much was sent for a while, and no overuse followed."""
        if self.budget is not None and bits_per_second > self.budget:
            self._proved_from, self._proved_at = self.budget, now
            # A REMB may take seconds to follow.
            self._risen_at = now
            self.budget = bits_per_second

    def restore(self, budget: int, now: float) -> None:
        """The last overuse was a probe's doing, which has ended: what was held before is held on, and what is told
        just after it is its echo."""
        self.budget = max(self.budget or 0, budget)
        self._forgives_until = now + _SETTLE_SECONDS

    def release(self) -> None:
        """The limit has long been above all that there is to send."""
        self.budget = None


class SentRate:
    """Bits per second of the last second, from a running total."""

    __slots__ = ("_samples", "rate")

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque(maxlen=32)
        self.rate = 0

    def sample(self, total: int, now: float) -> None:
        """`total`: bits sent so far. A total that falls (a stream was freed) begins anew."""
        samples = self._samples
        if samples and total < samples[-1][1]:
            samples.clear()
        samples.append((now, total))
        while len(samples) > 2 and now - samples[1][0] >= SENT_SECONDS:
            samples.popleft()
        began, before = samples[0]
        if now - began >= 0.1:
            self.rate = int((total - before) / (now - began))
