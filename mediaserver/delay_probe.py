"""Optional: how long a packet stays in the worker, from the kernel's receive timestamp to its last `sendto`."""

_BUCKET_SECONDS = 50e-6
_BUCKETS = 4000


class DelayProbe:
    """A histogram in steps of 50 µs up to 200 ms. Off by default: timestamps cost `recvmsg`."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets = [0] * _BUCKETS

    def record(self, seconds: float) -> None:
        self._buckets[max(0, min(_BUCKETS - 1, int(seconds / _BUCKET_SECONDS)))] += 1

    def snapshot(self) -> dict[str, int]:
        """Samples, and upper bounds in µs of the median, the 99th percentile and the longest; then starts anew."""
        buckets, self._buckets = self._buckets, [0] * _BUCKETS
        samples = sum(buckets)
        return {
            "delay_samples": samples,
            "delay_us_p50": _percentile(buckets, samples * 0.5),
            "delay_us_p99": _percentile(buckets, samples * 0.99),
            "delay_us_max": _percentile(buckets, samples),
        }


def _percentile(buckets: list[int], wanted: float) -> int:
    seen = 0
    for number, count in enumerate(buckets):
        seen += count
        if count and seen >= wanted:
            return round((number + 1) * _BUCKET_SECONDS * 1e6)
    return 0
