"""Token buckets: so many requests a second with a burst, and no more."""

import time
from collections import OrderedDict
from collections.abc import Callable

Monotonic = Callable[[], float]


class TokenBucket:
    """Allows `rate` requests a second, up to `burst` at once."""

    __slots__ = ("_burst", "_filled_at", "_monotonic", "_rate", "_tokens")

    def __init__(self, rate: float, burst: int, monotonic: Monotonic = time.monotonic) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._monotonic = monotonic
        self._tokens = float(burst)
        self._filled_at = monotonic()

    def take(self) -> bool:
        """Whether one more request is allowed now."""
        now = self._monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class KeyedLimiter:
    """One bucket per key (such as a client address); the longest unused key is forgotten beyond `keys`."""

    def __init__(self, rate: float, burst: int, keys: int = 10_000, monotonic: Monotonic = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._keys = keys
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, key: str) -> bool:
        """Whether one more request of this key is allowed now."""
        bucket = self._buckets.pop(key, None) or TokenBucket(self._rate, self._burst, self._monotonic)
        self._buckets[key] = bucket
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        return bucket.take()
