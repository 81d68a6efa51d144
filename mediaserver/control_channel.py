"""What the streams of one peer share: how they talk RTCP to it, and how much slow work it may cause."""

from mediaserver.drops import Drops
from mediaserver.rtcp import nack, picture_loss
from mediaserver.sink import Sink
from mediaserver.slow_work import SlowWork

DEFAULT_ROUND_TRIP_SECONDS = 0.1
_SMOOTHING = 0.25


class ControlChannel:
    """The peer's RTCP sender identity and its measured round trip."""

    __slots__ = ("_measured", "drops", "round_trip", "send", "slow_work", "ssrc")

    def __init__(self, sink: Sink, ssrc: int, drops: Drops, now: float) -> None:
        self.send = sink.send_rtcp
        self.ssrc = ssrc
        self.round_trip = DEFAULT_ROUND_TRIP_SECONDS
        self.drops = drops
        self.slow_work = SlowWork(now)
        self._measured = False

    def measured_round_trip(self, seconds: float) -> None:
        if not 0 <= seconds < 10:
            return
        if self._measured:
            seconds = self.round_trip + _SMOOTHING * (seconds - self.round_trip)
        self._measured = True
        self.round_trip = seconds

    def ask_again(self, media_ssrc: int, indices: list[int]) -> None:
        self.send(nack(self.ssrc, media_ssrc, [index & 0xFFFF for index in indices]))

    def ask_keyframe(self, media_ssrc: int) -> None:
        self.send(picture_loss(self.ssrc, media_ssrc))
