"""Whom one received section follows: a publisher, and which of its layers.

A switch waits for a keyframe of the layer that it goes to; the layer before flows on meanwhile. A better layer that
is silent although its publisher was told to send it is awaited too: its first keyframe is not to be missed. How numbers
and time run on over all of it is `OutgoingStream`'s.
"""

from __future__ import annotations

from mediaserver.drops import Drop, Drops
from mediaserver.incoming import IncomingStream
from mediaserver.negotiated import Codec, Kind, Section
from mediaserver.outgoing_stream import OutgoingStream
from mediaserver.pictures import ALL_LAYERS
from mediaserver.published import PublishedSection
from mediaserver.sink import Sink
from mediaserver.token_bucket import TokenBucket

PAUSED = -1
HIGHEST_LAYER = 2
_KEYFRAMES = 1 / 3, 4
"""That a subscriber may ask for: a second, and at once. A keyframe costs all who see the publisher some quality."""


class Subscription(OutgoingStream):
    """Silent (no publisher, or not wanted), waiting for a keyframe, flowing, or flowing and waiting to switch."""

    __slots__ = (
        "_awaited",
        "_counts",
        "_hopes",
        "_keyframes",
        "_most",
        "_published",
        "_spatial",
        "_strictly",
        "_wanted",
        "limit",
    )

    def __init__(self, section: Section, sink: Sink, drops: Drops) -> None:
        super().__init__(section, sink, drops)
        self._awaited: IncomingStream | None = None
        self._hopes = False
        """What is awaited is silent, and not to be asked for anything: something else flows."""
        self._counts = drops.counts
        self._keyframes = TokenBucket(*_KEYFRAMES, now=0.0)
        self._published: PublishedSection | None = None
        self._wanted = False
        self._most = self._spatial = HIGHEST_LAYER
        self._strictly = False
        self.limit: int | None = None
        """Bits per second that a publisher which follows its subscriber may send for it; None: as it likes."""

    def renegotiate(self, section: Section, now: float) -> None:
        """The section's ids, mid or formats may have changed; its SSRCs never do."""
        self.configure(section)
        self._follow_level()
        self._adapt()
        if self._awaited is not None and not self._hopes:
            self._awaited.request_keyframe(now)

    @property
    def mid(self) -> str:
        return self.section.mid

    @property
    def slot(self) -> int:
        return self.section.slot

    @property
    def video(self) -> bool:
        return self.section.kind is Kind.VIDEO

    @property
    def wanted(self) -> bool:
        return self._wanted

    @property
    def published(self) -> PublishedSection | None:
        return self._published

    # Whom to follow

    def connect(self, published: PublishedSection | None, now: float) -> None:
        """Another publisher, or none."""
        if published is self._published:
            return
        if self._published is not None:
            self._published.remove(self)
        self._let_go()
        self._published = published
        self.end_publisher()
        if published is not None:
            published.add(self)
        self.follow(now)

    def want(self, wanted: bool, now: float, most: int = HIGHEST_LAYER) -> None:
        """Whether packets may go out: the peer's keys are ready and it shows this section. `most`: the highest layer
        that it has a use for."""
        self._wanted = wanted
        self._most = most
        self.follow(now)

    def choose(self, spatial: int, temporal: int, now: float, *, strictly: bool = False) -> None:
        """At most these layers, as `layer_rates` counts them (`PAUSED` = nothing; the last temporal one = all).

        Another spatial layer begins with its next keyframe; fewer temporal layers with the next picture, more with one
        that can do without those left out. `strictly`: nothing better goes out until the chosen layer comes, the
        picture stands still meanwhile.
        """
        self._spatial = spatial
        self._strictly = strictly
        if strictly and self.stream is not None and self.stream.layer > spatial:
            self.leave(self.stream)
        known = self._published.temporal_layers if self._published is not None else 1
        was_shaped = self.is_shaped
        self.limit_temporal(ALL_LAYERS if temporal >= known - 1 else temporal)
        if self.stream is not None and self.is_shaped is not was_shaped:
            self.stream.enlist(self)
        self.follow(now)

    def follow(self, now: float) -> None:
        """Moves towards the stream that it should follow now."""
        target = self._target()
        if target is None:
            self._let_go()
            return
        if target is self.stream:
            self._hope(now)
        else:
            self._await(target, now, hopes=False)

    def _target(self) -> IncomingStream | None:
        if self._published is None or not self._wanted or self._spatial == PAUSED:
            return None
        return self._published.pick(min(self._most, self._spatial), strictly=self._strictly)

    def _hope(self, now: float) -> None:
        """What flows is the best there is: something better may come."""
        better = None
        if self._published is not None:
            better = self._published.hoped_for(min(self._most, self._spatial), strictly=self._strictly)
        self._await(None if better is self.stream else better, now, hopes=True)

    def _await(self, stream: IncomingStream | None, now: float, *, hopes: bool) -> None:
        before, hoped = self._awaited, self._hopes
        self._hopes = hopes
        if stream is before:
            if stream is not None and hoped and not hopes:
                stream.request_keyframe(now)
            return
        if before is not None:
            self._awaited = None
            before.remove(self)
        if stream is not None:
            self._awaited = stream
            self._follow_level()
            stream.add(self, now, asks=not hopes)

    def _let_go(self) -> None:
        for stream in (self.stream, self._awaited):
            if stream is not None:
                self.leave(stream)

    def leave(self, stream: IncomingStream) -> None:
        """Nothing more of this stream, if it is followed."""
        if stream is self._awaited:
            self._awaited = None
            stream.remove(self)
        if stream is self.stream:
            self.end(stream)
            stream.remove(self)

    def _follow_level(self) -> None:
        stream = self.stream or self._awaited
        self.tell_level(stream is not None and bool(stream.level_id))

    def follow_format(self, codec: Codec) -> None:
        """The publisher's codec; without a payload type for it the subscription falls silent until the next start."""
        self.use_format(codec)
        self._adapt()

    def _adapt(self) -> None:
        stream = self.stream
        if stream is None:
            return
        if not self.first_word:
            self._fall_silent(stream)
        elif self.reshape_blocks(stream):
            stream.enlist(self)

    def _fall_silent(self, stream: IncomingStream) -> None:
        """Nothing more may go out under the numbers that follow: it waits for a start."""
        self.end(stream)
        if self._awaited is not None and self._hopes:
            self._awaited.remove(self)
            self._awaited = None
        self._hopes = False
        if self._awaited is None:
            self._awaited = stream
            stream.enlist(self)
        else:
            stream.remove(self)

    def start(self, stream: IncomingStream, index: int, timestamp: int, now: float) -> bool:
        """From the incoming packet `index` on, packets flow. False: the subscriber can't show the format."""
        if not self.first_word:
            return False
        before = self.stream
        if before is not None:
            self.end(before)
            before.remove(self)
        self._awaited = None
        self.begin(stream, index, timestamp, now)
        self._follow_level()
        stream.enlist(self)
        self.report_now(now)
        self._hope(now)
        return True

    def report_now(self, now: float) -> bool:
        """Sends a sender report out of turn, reckoned from the publisher's last one. Whether there was one."""
        stream = self.stream
        report = stream.reception.report if stream is not None else None
        if stream is None or report is None:
            return False
        elapsed = now - stream.reception.report_arrival
        rtp_timestamp = report.rtp_timestamp + int(elapsed * stream.clock_rate)
        self.send_report(report.ntp + int(elapsed * (1 << 32)), rtp_timestamp, now)
        return True

    def settle(self) -> None:
        """Once a tick, for who is shaped."""
        super().settle()
        if self.stream is not None and not self.is_shaped:
            self.stream.enlist(self)

    def layer_rates(self, now: float) -> tuple[tuple[int, ...], ...]:
        """Bits per second by spatial layer, low to high, and temporal layer (each with those below it), of all that it
        could follow; 0 = not known, as of layers that are not sent just now. Empty without a publisher."""
        if self._published is None:
            return ()
        return self._published.rates(now)

    @property
    def frames_per_second(self) -> float:
        """As measured with `layer_rates`; 0 = not known."""
        return 0.0 if self._published is None else self._published.frames_per_second

    def request_keyframe(self, now: float) -> None:
        """The subscriber's decoder needs a keyframe, or says so. One that is awaited is asked for until it comes."""
        stream = self.stream or self._awaited
        if stream is None or stream.keyframes.wanted:
            return
        if self._keyframes.take(now):
            stream.request_keyframe(now)
        else:
            self._counts[Drop.KEYFRAME_TOO_OFTEN] += 1
