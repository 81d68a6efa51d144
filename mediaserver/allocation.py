"""Who gets which picture in what quality, when a down-link holds only so much. Pure.

Sound is not in it: its rate is set aside before. First everybody visible gets the least picture, then everybody one
that moves, then each gets more, the most important first: the shared screen, the main tile, the others by size. A
camera loses temporal layers before spatial ones, but none that leaves fewer than `FEWEST_FRAMES` while a lower spatial
layer is left; a screen keeps its resolution. Whoever's least picture does not fit is off. A publisher that follows
this subscriber's limit is given bits instead of a layer.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from mediaserver.tiles import LAYER_OF, Tile, TileSize

HEADROOM = 1.15
"""More needs so much more room than it costs, so that it does not come and go."""
TOLERANCE = 1.05
"""What flows already may cost a little more than there is: measured rates waver."""
MOST_FOLLOWING = 2_500_000
"""A camera that follows a limit sends no more in any case (bits per second)."""
COMFORTABLE = 800_000
"""A picture that follows a limit above it has not visibly lost."""

FEWEST_FRAMES = 12
"""A second. With fewer a face jerks: then a smaller picture is better."""
_FEWEST_FLOWING = 10.5
"""What flows may have a little less: the rate of a camera wavers."""
_ASSUMED_FRAMES = 30.0

_ASSUMED = (150_000, 500_000, 1_500_000)
"""Of the highest three spatial layers, while they are not sent and so can't be measured."""
_ASSUMED_BELOW = 0.4
_ASSUMED_TEMPORAL = {1: (1.0,), 2: (0.6, 1.0), 3: (0.4, 0.6, 1.0)}
"""libwebrtc's default shares of VP8's temporal layers."""
_SIZES = (TileSize.LARGE, TileSize.MEDIUM, TileSize.SMALL)


class Choice(NamedTuple):
    """What a subscription lets through, as for `Subscription.choose`."""

    spatial: int
    temporal: int


OFF = Choice(-1, -1)
EVERY_LAYER = 2
EVERY_PICTURE = 3
"""The highest temporal layer that VP8 can name: nothing is left out, however many there turn out to be."""


class Measure(StrEnum):
    """What was done about a bad link."""

    NONE = "none"
    PICTURE_REDUCED = "picture_reduced"
    PICTURE_OFF = "picture_off"


class Demand(NamedTuple):
    """One received picture."""

    rates: tuple[tuple[int, ...], ...]
    """Bits per second by spatial layer (low to high) and temporal layer (each with those below it); 0 = not known."""
    tile: Tile
    current: Choice
    screen: bool = False
    least: tuple[int, ...] = ()
    """The publisher follows this subscriber's limit: from so many bits per second on each spatial layer can be had."""
    most: int = MOST_FOLLOWING
    """A publisher that follows has no use for more bits per second."""
    frames_per_second: float = 0
    """Of the camera; 0 = not known."""


class Grant(NamedTuple):
    choice: Choice
    measure: Measure = Measure.NONE
    bits: int | None = None
    """What a publisher that follows may send; None: as much as it likes."""


class Allocation(NamedTuple):
    grants: tuple[Grant, ...]
    """In the order of the demands."""
    wanted: int
    """The budget from which something would be better, 0 when nothing would."""
    full: int
    """The budget from which nothing would be better."""


class _Rung(NamedTuple):
    choice: Choice
    cost: int
    slow: bool
    """Fewer than `FEWEST_FRAMES` for want of temporal layers."""


class _Place:
    """One visible demand while it is decided on. `at`: its rung, best first; beyond the last: off."""

    __slots__ = ("at", "held", "ladder", "least", "usable")

    def __init__(self, demand: Demand) -> None:
        self.ladder = _ladder(demand)
        self.at = len(self.ladder)
        self.held = next(
            (number for number, rung in enumerate(self.ladder) if rung.choice <= demand.current), len(self.ladder)
        )
        """The best rung that is no more than what flows already."""
        whole = [
            number for number, rung in enumerate(self.ladder) if rung.choice.spatial == self.ladder[0].choice.spatial
        ]
        self.least = whole[-1] if demand.screen else len(self.ladder) - 1
        """The first to try: a screen loses its resolution only when nothing else is left to lose."""
        usable = [number for number, rung in enumerate(self.ladder) if demand.screen or not rung.slow]
        self.usable = min(self.least, usable[-1] if usable else 0)
        """The cheapest rung that is not slow."""

    def cost(self, at: int) -> int:
        return self.ladder[at].cost if at < len(self.ladder) else 0


def allocate(budget: int | None, demands: Sequence[Demand], *, may_raise: bool = True) -> Allocation:
    """`budget`: bits per second for all pictures, None = no limit. `may_raise` False: nobody gets more than
    the least picture who had not before."""
    places = {number: _Place(demand) for number, demand in enumerate(demands) if demand.tile.size is not TileSize.NONE}
    order = sorted(places, key=lambda number: _importance(demands[number]))
    if budget is None:
        for place in places.values():
            place.at = 0
        return Allocation(_grants(demands, places, None), 0, 0)
    spent = 0
    for number in order:
        place = places[number]
        spent += _improve(place, range(place.least, place.at), spent, budget, may_raise=True)
    for number in order:
        place = places[number]
        spent += _improve(place, range(place.usable, place.at), spent, budget, may_raise=may_raise)
    for number in order:
        place = places[number]
        if place.at < len(place.ladder):
            spent += _improve(place, range(place.at), spent, budget, may_raise=may_raise)
    grants = _grants(demands, places, max(0, budget - spent))
    return Allocation(grants, *_wanted(demands, places, grants, spent))


def _improve(place: _Place, rungs: range, spent: int, budget: int, *, may_raise: bool) -> int:
    """Takes the first of `rungs` that fits; what it costs more than before."""
    for at in rungs:
        extra = place.cost(at) - place.cost(place.at)
        flows_already = at >= place.held
        room = budget * TOLERANCE if flows_already else budget / HEADROOM
        if spent + extra <= room and (flows_already or may_raise):
            place.at = at
            return extra
    return 0


def _importance(demand: Demand) -> tuple[bool, bool, int]:
    return (not demand.screen, not demand.tile.main, _SIZES.index(demand.tile.size))


def _ladder(demand: Demand) -> list[_Rung]:
    """What may be chosen, best first; but for what flows, each is cheaper than the one before it."""
    rates = _completed(demand.rates)
    highest = len(rates) - 1
    frames = demand.frames_per_second or _ASSUMED_FRAMES
    top = highest if demand.screen else min(highest, LAYER_OF[demand.tile.size])
    rungs: list[_Rung] = []
    for spatial in range(top, -1, -1):
        row = rates[spatial]
        last = len(row) - 1
        least = demand.least[spatial] if spatial < len(demand.least) else 0
        for temporal in range(last, -1, -1):
            choice = Choice(spatial, EVERY_PICTURE if temporal == last else temporal)
            fewest = _FEWEST_FLOWING if choice == demand.current else FEWEST_FRAMES
            # As libwebrtc makes them, each temporal layer doubles the frame rate.
            slow = temporal < last and frames / (1 << (last - temporal)) < fewest
            if temporal < last and (least or (slow and spatial > 0 and not demand.screen)):
                break
            cost = min(least, row[temporal]) if least else row[temporal]
            # What flows stays possible beside a layer that seems to cost less: one that just ends or begins.
            if not rungs or cost < rungs[-1].cost or choice == demand.current:
                rungs.append(_Rung(choice, cost, slow))
    return rungs


def _completed(rates: tuple[tuple[int, ...], ...]) -> list[tuple[int, ...]]:
    """`rates` with assumptions in the place of what is not known; unknown layers have as many temporal ones as any."""
    assumed = _ASSUMED[-len(rates) :]
    most = max(len(row) for row in rates)
    completed: list[tuple[int, ...]] = []
    above = 0
    for spatial in range(len(rates) - 1, -1, -1):
        row = rates[spatial]
        total = row[-1]
        if not total:
            total = min(assumed[spatial], int(above * _ASSUMED_BELOW)) if above else assumed[spatial]
            row = tuple(int(total * share) for share in _ASSUMED_TEMPORAL[min(most, 3)])
        completed.insert(0, row)
        above = total
    return completed


def _grants(demands: Sequence[Demand], places: dict[int, _Place], left: int | None) -> tuple[Grant, ...]:
    """`left`: the bits that no choice costs; those who follow a limit share them."""
    following = sum(1 for number, place in places.items() if demands[number].least and place.at < len(place.ladder))
    grants = []
    for number, demand in enumerate(demands):
        place = places.get(number)
        if place is None:
            grants.append(Grant(OFF))
        elif place.at >= len(place.ladder):
            grants.append(Grant(OFF, Measure.PICTURE_OFF))
        else:
            bits = None if left is None or not demand.least else place.cost(place.at) + left // following
            reduced = place.at > 0 or (bits is not None and bits < COMFORTABLE)
            measure = Measure.PICTURE_REDUCED if reduced else Measure.NONE
            grants.append(Grant(place.ladder[place.at].choice, measure, bits))
    return tuple(grants)


def _wanted(
    demands: Sequence[Demand], places: dict[int, _Place], grants: tuple[Grant, ...], spent: int
) -> tuple[int, int]:
    """From which budgets on something, and everything, would be better or best; zeros when everything is."""
    next_step: list[int] = []
    full = spent
    for number, place in places.items():
        bits, most = grants[number].bits, demands[number].most
        if place.at > 0:
            next_step.append(place.cost(place.at - 1) - place.cost(place.at))
            full += place.cost(0) - place.cost(place.at)
        elif bits is not None and bits < most:
            next_step.append(most - place.cost(place.at))
            full += next_step[-1]
    if not next_step:
        return 0, 0
    # A little more than just enough, since what flows then is measured anew.
    margin = HEADROOM * TOLERANCE
    return int((spent + min(next_step)) * margin), int(full * margin)
