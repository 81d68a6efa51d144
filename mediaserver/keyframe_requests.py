"""Asking a publisher for a keyframe: at once, then again until one comes; many askers are one request."""

SHORTEST_INTERVAL_SECONDS = 0.3


class KeyframeRequests:
    """Two states: nothing wanted, or wanted since some request. The owner sends when told True."""

    __slots__ = ("_asked_at", "wanted")

    def __init__(self) -> None:
        self.wanted = False
        self._asked_at = float("-inf")

    def request(self, now: float, round_trip: float) -> bool:
        """Someone needs a keyframe. True: send a PLI now."""
        self.wanted = True
        return self.repeat(now, round_trip)

    def repeat(self, now: float, round_trip: float) -> bool:
        """True: a keyframe is still awaited and it is time to ask (again)."""
        if not self.wanted or now - self._asked_at < max(SHORTEST_INTERVAL_SECONDS, round_trip):
            return False
        self._asked_at = now
        return True

    def arrived(self) -> None:
        self.wanted = False
