"""Token buckets."""

from signaling.rate import KeyedLimiter, TokenBucket


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    now = 0.0
    bucket = TokenBucket(rate=2.0, burst=3, monotonic=lambda: now)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now = 1.0
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now = 100.0
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_keys_do_not_share_and_are_bounded() -> None:
    limiter = KeyedLimiter(rate=0.1, burst=1, keys=2, monotonic=lambda: 0.0)
    assert [limiter.take(key) for key in "aab"] == [True, False, True]
    assert limiter.take("c"), "the oldest, a, is forgotten now"
    assert [limiter.take(key) for key in "ba"] == [False, True]
