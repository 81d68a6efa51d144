"""How good one person's link is, in one word. Pure; worse is believed soon, better only when it lasts."""

from dataclasses import dataclass

from rooms.media_port import LinkMeasure
from rooms.messages import ConnectionState, LinkLevel, PictureMeasure

LOSS_FAIR, LOSS_POOR = 0.03, 0.10
"""Shares of packets lost on the worse leg, before repair."""
ROUND_TRIP_FAIR, ROUND_TRIP_POOR = 0.3, 0.7
"""Seconds. ITU-T G.114: above 0.4 s from mouth to ear people begin to talk into each other's words."""
WORSE_AFTER, BETTER_AFTER = 2, 4
"""So many looks in a row."""

_ORDER = (LinkLevel.GOOD, LinkLevel.FAIR, LinkLevel.POOR, LinkLevel.LOST)


@dataclass(frozen=True, slots=True)
class Judged:
    level: LinkLevel
    measure: PictureMeasure = PictureMeasure.NONE
    worse: int = 0
    better: int = 0
    """Looks in a row that saw the link worse, or better, than `level`."""


def judge(before: Judged | None, state: ConnectionState, link: LinkMeasure | None) -> Judged:
    """One look. `link` None: the media server knows nothing of the person now."""
    seen = _seen(state, link)
    measure = _measure(link)
    if before is None:
        return Judged(seen, measure)
    if LinkLevel.LOST in {seen, before.level}:
        # Silence was waited for already. Who is back must prove to be good.
        return Judged(seen if seen is LinkLevel.LOST else max(seen, LinkLevel.FAIR, key=_ORDER.index), measure)
    if _ORDER.index(seen) > _ORDER.index(before.level):
        worse = before.worse + 1
        at_once = state is ConnectionState.UNSTABLE
        return Judged(seen if at_once or worse >= WORSE_AFTER else before.level, measure, worse % WORSE_AFTER)
    if _ORDER.index(seen) < _ORDER.index(before.level):
        better = before.better + 1
        step = _ORDER[_ORDER.index(before.level) - 1]
        return Judged(step if better >= BETTER_AFTER else before.level, measure, better=better % BETTER_AFTER)
    return Judged(before.level, measure)


def _seen(state: ConnectionState, link: LinkMeasure | None) -> LinkLevel:
    if state in {ConnectionState.GONE, ConnectionState.RECONNECTING, ConnectionState.ABSENT}:
        return LinkLevel.LOST
    if state is ConnectionState.UNSTABLE:
        return LinkLevel.POOR
    if link is None:
        return LinkLevel.FAIR
    lost = max(link.uplink_lost, link.downlink_lost)
    if lost >= LOSS_POOR or link.round_trip_seconds >= ROUND_TRIP_POOR or link.pictures_off:
        return LinkLevel.POOR
    if lost >= LOSS_FAIR or link.round_trip_seconds >= ROUND_TRIP_FAIR or link.pictures_reduced:
        return LinkLevel.FAIR
    return LinkLevel.GOOD


def _measure(link: LinkMeasure | None) -> PictureMeasure:
    """Worst first: a picture that is off says more than another one that is smaller."""
    if link is None:
        return PictureMeasure.NONE
    if link.pictures_off:
        return PictureMeasure.PICTURE_OFF
    return PictureMeasure.PICTURE_REDUCED if link.pictures_reduced else PictureMeasure.NONE
