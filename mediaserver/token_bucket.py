"""A rate limit that costs nothing while it is not used."""


class TokenBucket:
    """Lets `burst` through at once and `rate` a second after that; both may change at any time."""

    __slots__ = ("_filled_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._filled_at = now

    def take(self, now: float, tokens: float = 1) -> bool:
        """Whether so many more may pass; when not, none is taken. `now` in seconds."""
        self._fill(now)
        if self._tokens < tokens:
            return False
        self._tokens -= tokens
        return True

    def take_most(self, now: float, tokens: int) -> int:
        """How many of so many may pass."""
        self._fill(now)
        taken = min(tokens, int(self._tokens))
        self._tokens -= taken
        return taken

    def spend(self, number: int, now: float) -> bool:
        """For what is counted afterwards: `number` have passed. False: that was more than was there, and nothing
        should pass until this is True again."""
        self._fill(now)
        self._tokens -= number
        return self._tokens >= 0

    def _fill(self, now: float) -> None:
        self._tokens = min(self.burst, self._tokens + max(0.0, now - self._filled_at) * self.rate)
        self._filled_at = now
