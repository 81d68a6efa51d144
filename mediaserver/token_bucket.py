"""A rate limit that costs nothing while it is not used."""


class TokenBucket:
    """Lets `burst` through at once and `rate` a second after that."""

    __slots__ = ("_burst", "_filled_at", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Whether one more may pass. `now` in seconds, never falling."""
        self._fill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def spend(self, number: int, now: float) -> bool:
        """For what is counted afterwards: `number` have passed. False: that was more than was there, and nothing
        should pass until this is True again."""
        self._fill(now)
        self._tokens -= number
        return self._tokens >= 0

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
