"""Which worker a new room goes to: the one with the least to do."""

from collections import deque

YOUNG_SECONDS = 15.0
"""So long a new room is not yet what it will be: people are still coming in, and their pictures grow."""
ROOM_SHARE = 0.015
"""Of a core: what a room of two with HD pictures is expected to cost while that can't be measured yet."""
STEP_SHARE = 0.05
"""Loads that differ by less count as the same: then the number of rooms decides."""
_SMOOTHING = 0.3


class WorkerLoad:
    """What one worker has to do, from the CPU time that it tells with every sign of life. Seconds are monotonic."""

    def __init__(self) -> None:
        self.share = 0.0
        """Of a core, smoothed over some seconds."""
        self._cpu_microseconds = 0
        self._seen_at: float | None = None
        self._young: deque[float] = deque()

    def seen(self, cpu_microseconds: int, now: float) -> None:
        """The worker's CPU time so far."""
        if self._seen_at is not None and now > self._seen_at and cpu_microseconds >= self._cpu_microseconds:
            share = (cpu_microseconds - self._cpu_microseconds) / 1e6 / (now - self._seen_at)
            self.share += (share - self.share) * _SMOOTHING
        self._cpu_microseconds, self._seen_at = cpu_microseconds, now

    def placed(self, now: float) -> None:
        """A room was given to the worker."""
        self._young.append(now)

    def expected(self, now: float) -> float:
        """The share of a core, young rooms included."""
        while self._young and now - self._young[0] > YOUNG_SECONDS:
            self._young.popleft()
        return self.share + ROOM_SHARE * len(self._young)

    def steps(self, now: float) -> int:
        """`expected`, so coarse that noise decides nothing."""
        return int(self.expected(now) / STEP_SHARE)
