"""Which packets of one incoming stream are missing, and when to ask the publisher for them again (RFC 4585 NACK)."""

from collections.abc import Iterable

MOST_MISSING = 200
"""A longer gap is not asked for: a keyframe repairs it faster."""
MOST_REQUESTS = 10
"""How often one packet is asked for before it is given up."""
SHORTEST_INTERVAL_SECONDS = 0.04

_NACK_PACKET_LIMIT = 100


class Losses:
    """Missing indices, each with the time of its next request and the number of requests made."""

    __slots__ = ("_missing", "given_up")

    def __init__(self) -> None:
        self._missing: dict[int, tuple[float, int]] = {}
        self.given_up = 0

    def __bool__(self) -> bool:
        return bool(self._missing)

    def __contains__(self, index: int) -> bool:
        return index in self._missing

    def add(self, missing: Iterable[int], now: float) -> bool:
        """False when there is too much missing: everything is given up and only a keyframe helps."""
        for index in missing:
            self._missing[index] = (now, 0)
            if len(self._missing) > MOST_MISSING:
                self.clear()
                return False
        return True

    def found(self, index: int) -> None:
        self._missing.pop(index, None)

    def clear(self) -> None:
        self.given_up += len(self._missing)
        self._missing.clear()

    def due(self, now: float, round_trip: float, oldest: int) -> list[int]:
        """What to ask for now, in rising order; packets older than `oldest` can't be used any more."""
        interval = max(SHORTEST_INTERVAL_SECONDS, round_trip)
        asked: list[int] = []
        for index, (at, requests) in sorted(self._missing.items()):
            if index < oldest or requests >= MOST_REQUESTS:
                del self._missing[index]
                self.given_up += 1
            elif at <= now and len(asked) < _NACK_PACKET_LIMIT:
                self._missing[index] = (now + interval, requests + 1)
                asked.append(index)
        return asked
