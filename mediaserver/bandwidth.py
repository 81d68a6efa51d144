"""Down-link limits: what a subscriber's browser says it can receive (REMB), relayed to those who publish to it.

The publisher's limit is the smallest share that any subscriber of its video can take; with two in a room that is the
other one's whole limit. A REMB follows what is received (it can't rise far above it), so it is a ceiling only from
the first sign of overuse until it has stayed without one for a while; before that the publisher's own estimate rules.
"""

AUDIO_BITS_PER_SECOND = 48_000
"""Kept free for each audio stream: audio is never sacrificed."""
LEAST_VIDEO_BITS_PER_SECOND = 60_000
UNLIMITED_BITS_PER_SECOND = 100_000_000

_OVERUSE_FALL = 0.97
_OVERUSE_LOSS = 26
"""In 1/256: 10 %."""
_RELEASE_SECONDS = 30.0
_RELAY_SECONDS = 1.0
_RELAY_CHANGE = 0.03


class DownlinkLimit:
    """One subscriber's transport. Two states: free (`limit` None), or limited since the last overuse."""

    __slots__ = ("_estimate", "_overused_at", "limit")

    def __init__(self) -> None:
        self.limit: int | None = None
        """Bits per second for all that this peer receives."""
        self._estimate = 0
        self._overused_at = 0.0

    @property
    def estimate(self) -> int:
        """The last REMB, whether it limits or not."""
        return self._estimate

    def estimated(self, bits_per_second: int, now: float) -> None:
        """A REMB came. Browsers lower it only on overuse (delay growing)."""
        if bits_per_second < self._estimate * _OVERUSE_FALL:
            self._overused(now)
        self._estimate = bits_per_second
        self._follow(now)

    def lost(self, fraction_lost: int, now: float) -> None:
        """A receiver report about video came."""
        if fraction_lost > _OVERUSE_LOSS and self._estimate:
            self._overused(now)
            self._follow(now)

    def _overused(self, now: float) -> None:
        self._overused_at = now
        self.limit = self._estimate

    def _follow(self, now: float) -> None:
        if self.limit is not None:
            self.limit = None if now - self._overused_at > _RELEASE_SECONDS else self._estimate

    def video_share(self, audios: int, videos: int) -> int | None:
        """What each of `videos` received videos may take beside `audios` audio streams."""
        if self.limit is None:
            return None
        return max(LEAST_VIDEO_BITS_PER_SECOND, (self.limit - audios * AUDIO_BITS_PER_SECOND) // max(1, videos))


class RelayedLimit:
    """What one publisher was told: again each second (RTCP may be lost), at once when it changes."""

    __slots__ = ("_told", "_told_at")

    def __init__(self) -> None:
        self._told: int | None = None
        self._told_at = 0.0

    def due(self, video_share: int | None, now: float) -> int | None:
        """The bits per second to tell now, None when there is nothing to tell."""
        if video_share is None and self._told is None:
            return None
        wanted = UNLIMITED_BITS_PER_SECOND if video_share is None else video_share + AUDIO_BITS_PER_SECOND
        changed = self._told is None or abs(wanted - self._told) > self._told * _RELAY_CHANGE
        if not changed and now - self._told_at < _RELAY_SECONDS:
            return None
        self._told, self._told_at = wanted, now
        return wanted
