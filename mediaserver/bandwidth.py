"""One peer's down-link, kept: its feedback becomes a budget, the budget choices, and probes look for more.

Sound is never sacrificed: what it takes is set aside first. Nothing flaps: more comes only some time after the last
overuse, and when overuse follows soon the try has failed, and the next one waits twice as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from mediaserver.allocation import (
    EVERY_LAYER,
    EVERY_PICTURE,
    MOST_FOLLOWING,
    OFF,
    Allocation,
    Choice,
    Demand,
    Grant,
    Measure,
    allocate,
)
from mediaserver.doubt import RoundTrip
from mediaserver.downlink import SENT_SECONDS, Downlink, SentRate
from mediaserver.missing_layers import MissingLayers
from mediaserver.probing import Backoff, Prober, ProbeState
from mediaserver.relayed_limit import AUDIO_BITS_PER_SECOND, LEAST_SHARED
from mediaserver.rtcp import Nack, ReportBlock
from mediaserver.tiles import Tile

LOOK_SECONDS = 0.2
"""How often a limited down-link is looked at; at once after overuse, and in every tick while a probe pads."""
FREE_LOOK_SECONDS = 1.0
"""How often one without a limit is: only what it is sent is measured, unless something changed."""
MEASURE_SECONDS = 5.0
HOLD_SECONDS = 3.0
"""Nothing gets better so soon after overuse."""
TRIAL_SECONDS = 6.0
"""Overuse so soon after something got better means that it was too much."""
FIRST_TRY_WAIT, MOST_TRY_WAIT = 5.0, 60.0
_ANOTHER_LINK = 1.3
"""So far above the budget of a try that failed it is another situation, and nothing waits."""
RELEASE_SECONDS = 10.0
"""The limit is forgotten when nothing could be better for so long."""

_LEAST_FOLLOWING = (60_000, 150_000, 350_000)
"""From so many bits per second on an encoder makes a sane picture of a quarter, a half, the whole size."""
_SOUND_MARGIN = 1.15
_UNUSED = 0.6
"""A publisher that sends less than this share of what it may does not need more."""
_DROWNING = 1.3
"""Pictures this far above the room there is stop at once; waiting for the keyframe below would cost the sound."""
_SWITCH_SECONDS = 1.0
"""A lower layer may take so long to come; lowered again meanwhile, the higher one that still flows stops at once."""
_HELD = 0.85
"""Of what flowed before something got better, so much is held when that was too much."""
_DISOBEYED = 1.4
_OBEY_SECONDS = 3.0
_OBEYS = 0.85
"""Who sends so much less than before is on the way."""
_FORGIVE_SECONDS = 30.0


class PictureStream(Protocol):
    """What is asked of the subscription of a picture."""

    @property
    def ssrc(self) -> int: ...

    limit: int | None
    """What its publisher may send for it, when it follows."""

    @property
    def frames_per_second(self) -> float:
        """Of the camera, as measured with `layer_rates`; 0 = not known."""
        ...

    def layer_rates(self, now: float) -> tuple[tuple[int, ...], ...]: ...

    def choose(self, spatial: int, temporal: int, now: float, *, strictly: bool) -> None:
        """-1: nothing. `strictly`: until the chosen layer comes, no better one goes out."""
        ...

    def pad(self, octets: int, now: float) -> int: ...

    def report_now(self, now: float) -> bool:
        """Sends a sender report out of turn; whether it could."""
        ...


class Sent(NamedTuple):
    """What went to the peer so far, in bits of payload, retransmissions and padding included."""

    everything: int
    sound: int
    sounds: int
    """How many sounds it is sent."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One received picture that has a publisher. `follows`: the publisher's client lowers its rate when told to;
    `shared`: others receive it too."""

    stream: PictureStream
    layers: int
    tile: Tile
    screen: bool
    follows: bool
    shared: bool


_UNLIMITED = Grant(Choice(EVERY_LAYER, EVERY_PICTURE))
_NOTHING_YET = Grant(OFF)


class DownlinkControl:
    """Of one peer as a subscriber. Times are `time.monotonic` seconds."""

    __slots__ = (
        "_changed",
        "_disobeyed",
        "_failed_budget",
        "_grants",
        "_held",
        "_lowered_at",
        "_missing",
        "_next_look",
        "_next_measuring",
        "_overuses",
        "_prober",
        "_raise_after",
        "_raised_at",
        "_satisfied_since",
        "_sent",
        "_sound",
        "_tries",
        "chose",
        "downlink",
    )

    def __init__(self) -> None:
        self.downlink = Downlink()
        self._prober = Prober(self.downlink)
        self._sent = SentRate()
        self._sound = SentRate()
        self._tries = Backoff(FIRST_TRY_WAIT, MOST_TRY_WAIT)
        self._grants: dict[int, Grant] = {}
        """By SSRC."""
        self._disobeyed: dict[int, tuple[float, int]] = {}
        """By SSRC: since when a publisher that should follow sends more than it may, and how much it sent then."""
        self._missing: dict[int, MissingLayers] = {}
        """By SSRC."""
        self._changed = False
        self.chose = False
        """A choice was made that differs from the one before; reset by who acts on it."""
        self._overuses = 0
        self._failed_budget = self._held = 0
        self._next_look = self._next_measuring = self._raise_after = 0.0
        self._raised_at = self._lowered_at = float("-inf")
        self._satisfied_since = float("inf")

    # Feedback

    def estimated(self, bits_per_second: int, now: float) -> None:
        """A REMB came."""
        padded = self._prober.padded(now - SENT_SECONDS - 2 * LOOK_SECONDS)
        self.downlink.estimated(bits_per_second, self._sent.rate, now, sound=self._sound.rate, padded=padded)

    def reported(self, block: ReportBlock, round_trip: RoundTrip | None, now: float) -> None:
        """A report about one of our streams came; `round_trip` when it tells one."""
        self.downlink.reported(block, self._sent.rate, now)
        if round_trip is not None:
            self.downlink.measured_round_trip(round_trip, self._sent.rate, now)

    def missed(self, nack: Nack, now: float) -> None:
        """A NACK came."""
        self.downlink.missed(nack, self._sent.rate, now)

    @property
    def sent_rate(self) -> int:
        """Bits per second of late, retransmissions and padding included."""
        return self._sent.rate

    # What follows from it

    def changed(self) -> None:
        """There are other pictures, or they are shown otherwise."""
        self._changed = True

    def forget(self, ssrc: int) -> None:
        """That picture is no more, nor will be."""
        self.downlink.forget(ssrc)
        self._grants.pop(ssrc, None)
        self._disobeyed.pop(ssrc, None)
        self._missing.pop(ssrc, None)

    def due(self, now: float) -> bool:
        """Whether to `look` now; to be asked every 50 ms."""
        return (
            now >= self._next_look
            or self._changed
            or self._overuses != self.downlink.overuses
            or self.downlink.doubt.asks
            or self._prober.state is ProbeState.PADDING
        )

    def look(self, pictures: Sequence[Picture], sent: Sent, round_trip: float, now: float) -> None:
        """Chooses anew, and pads when there is something to look for. `pictures`: those that have a publisher."""
        self._sound.sample(sent.sound, now)
        self._sent.sample(sent.everything, now)
        self.downlink.settle(self._sent.rate, now)
        self._note_overuse(now)
        if self.downlink.doubt.asks:
            self.downlink.doubt.asks = False
            self._ask_for_round_trip(pictures, now)
        budget = self.downlink.budget
        self._next_look = now + (FREE_LOOK_SECONDS if budget is None else LOOK_SECONDS)
        if budget is None and not self._changed:
            self._keep_measured(pictures, now)
            return
        self._changed = False
        demands = [self._demand(each, now) for each in pictures]
        set_aside = self._set_aside(sent.sounds)
        room = None if budget is None else max(0, budget - set_aside)
        allocation = allocate(room, demands, may_raise=self._may_raise(now))
        self._apply(pictures, demands, allocation, room, now)
        if budget is not None:
            self._release_if_satisfied(allocation, now)
            self._probe(pictures, allocation, set_aside, sent.everything, round_trip, now)

    def _keep_measured(self, pictures: Sequence[Picture], now: float) -> None:
        """So that something is known of the layers when overuse comes."""
        if now >= self._next_measuring:
            self._next_measuring = now + MEASURE_SECONDS
            for picture in pictures:
                picture.stream.layer_rates(now)

    def _probe(
        self,
        pictures: Sequence[Picture],
        allocation: Allocation,
        set_aside: int,
        sent: int,
        round_trip: float,
        now: float,
    ) -> None:
        full = allocation.full + set_aside if allocation.full else 0
        octets = self._prober.step(allocation.wanted + set_aside, full, sent, round_trip, now)
        for picture in pictures:
            if octets <= 0:
                break
            octets -= picture.stream.pad(octets, now)
        if self._prober.asks:
            self._prober.asks = False
            self._ask_for_round_trip(pictures, now)

    @staticmethod
    def _ask_for_round_trip(pictures: Sequence[Picture], now: float) -> None:
        for picture in pictures:
            if picture.stream.report_now(now):
                break

    def grant(self, ssrc: int) -> Grant:
        """What the picture of that SSRC was granted last."""
        return self._grants.get(ssrc, _UNLIMITED)

    def highest_layer(self, ssrc: int) -> int:
        """That the picture of that SSRC may have for the link's sake; -1: none."""
        grant = self.grant(ssrc)
        hidden = grant.choice == OFF and grant.measure is Measure.NONE
        return EVERY_LAYER if hidden else grant.choice.spatial

    def pictures(self, measure: Measure) -> int:
        """To how many pictures this was done."""
        return sum(grant.measure is measure for grant in self._grants.values())

    def _note_overuse(self, now: float) -> None:
        tried = now - self._raised_at
        if self._overuses == self.downlink.overuses:
            if tried > TRIAL_SECONDS and self._raised_at > 0:
                self._raised_at = float("-inf")
                self._tries.succeeded()
            return
        self._overuses = self.downlink.overuses
        if self._prober.overused(now, self._sent.rate):
            return
        wait = HOLD_SECONDS
        if tried <= TRIAL_SECONDS:
            self._raised_at = float("-inf")
            self._failed_budget = self.downlink.fallen_from
            wait = self._tries.failed()
            if self.downlink.blind(now):
                # A burst that was lost says little of what the link holds; what it held until the trial says more.
                self.downlink.restore(int(self._held * _HELD), now)
        self._raise_after = max(self._raise_after, now + wait)

    def _may_raise(self, now: float) -> bool:
        if self.downlink.doubt.open:
            return False
        if now >= self._raise_after:
            return True
        budget = self.downlink.budget or 0
        return self._failed_budget > 0 and budget > self._failed_budget * _ANOTHER_LINK

    def _set_aside(self, sounds: int) -> int:
        """Room for one more who begins to speak beside what sound takes now; silence takes next to nothing."""
        if not sounds:
            return 0
        return max(AUDIO_BITS_PER_SECOND, int(self._sound.rate * _SOUND_MARGIN) + AUDIO_BITS_PER_SECOND // 2)

    def _demand(self, picture: Picture, now: float) -> Demand:
        ssrc = picture.stream.ssrc
        grant = self._grants.get(ssrc, _NOTHING_YET)
        rates = self._rates(picture, now)
        rate = rates[grant.choice.spatial][-1] if 0 <= grant.choice.spatial < len(rates) else 0
        frames = picture.stream.frames_per_second
        demand = Demand(rates, picture.tile, grant.choice, picture.screen, frames_per_second=frames)
        if not picture.follows or (picture.shared and len(rates) > 1) or self._disobeys(ssrc, rate, grant, now):
            return demand
        if picture.shared:
            least: tuple[int, ...] = (LEAST_SHARED,)
        else:
            least = _LEAST_FOLLOWING[-len(rates) :] if len(rates) > 1 else _LEAST_FOLLOWING[:1]
        unused = grant.bits is not None and 0 < rate < grant.bits * _UNUSED
        most = int(rate / _UNUSED) if unused else MOST_FOLLOWING
        return demand._replace(least=least, most=min(most, MOST_FOLLOWING))

    def _rates(self, picture: Picture, now: float) -> tuple[tuple[int, ...], ...]:
        """Measured, which costs something, only where there is a limit."""
        if self.downlink.budget is None:
            return ((0,),) * picture.layers
        ssrc, rates = picture.stream.ssrc, picture.stream.layer_rates(now)
        missing = self._missing.setdefault(ssrc, MissingLayers())
        return missing.left_out(rates, self._grants.get(ssrc, _NOTHING_YET).choice.spatial, now)

    def _disobeys(self, ssrc: int, rate: int, grant: Grant, now: float) -> bool:
        """A publisher that long sends far more than it may is treated as one that can't be told, for a while."""
        exceeds = grant.bits is not None and rate > grant.bits * _DISOBEYED
        since, rate_then = self._disobeyed.get(ssrc, (now, 0))
        decided = now - since >= _OBEY_SECONDS
        if decided and now - since <= _OBEY_SECONDS + _FORGIVE_SECONDS:
            return True
        if decided or not exceeds:
            self._disobeyed.pop(ssrc, None)
        elif rate < rate_then * _OBEYS or not rate_then:
            self._disobeyed[ssrc] = now, rate
        return False

    def _apply(
        self, pictures: Sequence[Picture], demands: list[Demand], allocation: Allocation, room: int | None, now: float
    ) -> None:
        flowing = self._sent.rate - self._sound.rate
        drowning = room is not None and (flowing > room * _DROWNING or now - self._lowered_at < _SWITCH_SECONDS)
        grants: dict[int, Grant] = {}
        for picture, demand, grant in zip(pictures, demands, allocation.grants, strict=True):
            stream, before, choice = picture.stream, demand.current, grant.choice
            grants[stream.ssrc] = grant
            stream.limit = grant.bits
            if choice == before:
                continue
            if choice > before and room is not None:
                if now - self._raised_at > TRIAL_SECONDS:
                    self._held = min(self.downlink.budget or 0, self._sent.rate)
                self._raised_at = now
            self.chose = True
            lowered = choice.spatial < before.spatial
            if lowered:
                self._lowered_at = now
            stream.choose(*choice, now, strictly=drowning if lowered else room is not None)
        self._grants = grants

    def _release_if_satisfied(self, allocation: Allocation, now: float) -> None:
        shows = any(grant.choice != OFF for grant in allocation.grants)
        if self.downlink.budget is None or allocation.wanted or not shows:
            self._satisfied_since = float("inf")
            return
        self._satisfied_since = min(self._satisfied_since, now)
        if now - max(self._satisfied_since, self.downlink.overused_at) > RELEASE_SECONDS:
            self.downlink.release()
            self._changed = True
