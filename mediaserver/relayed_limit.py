"""A subscriber's limit relayed to the publisher as REMB, for pictures that only the publisher can make smaller.

With one subscriber the publisher follows that one's limit. With several and one layer it follows the lowest, but not
below `LEAST_SHARED`: one member's link, or one member's false report, takes no more than that from the others. With
several and layers it follows nobody: each subscriber's own choice keeps to its limit.
"""

from collections.abc import Sequence

AUDIO_BITS_PER_SECOND = 48_000
LEAST_SHARED = 200_000
"""Bits per second: a small camera picture at its full frame rate."""
UNLIMITED_BITS_PER_SECOND = 100_000_000

_RELAY_SECONDS = 1.0
_RELAY_CHANGE = 0.03


def picture_limit(limits: Sequence[int | None], layers: int) -> int | None:
    """What one published picture may take; `limits`: of each subscriber that is sent it, None = without limit."""
    if len(limits) == 1:
        return limits[0]
    if layers > 1:
        return None
    lowest = min((limit for limit in limits if limit is not None), default=None)
    return None if lowest is None else max(LEAST_SHARED, lowest)


class RelayedLimit:
    """What one publisher was told: again each second (RTCP may be lost), at once when it changes."""

    __slots__ = ("_told", "_told_at")

    def __init__(self) -> None:
        self._told: int | None = None
        self._told_at = 0.0

    def due(self, pictures: int | None, now: float) -> int | None:
        """The bits per second to tell now, None when there is nothing to tell. `pictures`: what they may take."""
        if pictures is None and self._told is None:
            return None
        wanted = UNLIMITED_BITS_PER_SECOND if pictures is None else pictures + AUDIO_BITS_PER_SECOND
        changed = self._told is None or abs(wanted - self._told) > self._told * _RELAY_CHANGE
        if not changed and now - self._told_at < _RELAY_SECONDS:
            return None
        self._told, self._told_at = wanted, now
        return wanted
