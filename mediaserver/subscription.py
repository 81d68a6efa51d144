"""One outgoing RTP stream: a section that a peer receives, with an SSRC and numbering of its own for the peer's life.

Its publisher may change, pause or restart, and it may be switched between the publisher's layers; what goes out stays
one unbroken stream. Every start begins right after the highest number used before and ignores older incoming packets:
one SSRC and sequence number never carry two contents (with AES-GCM a repeated nonce gives the key away). While packets
flow plainly, an incoming index and the outgoing one differ by a constant, so that true losses and reordering stay
visible; who needs more is shaped (`shaping.py`).

A switch waits for a keyframe of the layer that it goes to; the layer before flows on meanwhile.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from mediaserver.drops import Drops
from mediaserver.forwarder import ABS_SEND_TIME_UNITS
from mediaserver.incoming import SILENCE, IncomingStream
from mediaserver.negotiated import Kind, Section
from mediaserver.outgoing import Outgoing
from mediaserver.packet_ring import PacketRing
from mediaserver.pictures import ALL_LAYERS, Pictures
from mediaserver.published import PublishedSection
from mediaserver.retransmission import Retransmission, Span
from mediaserver.rtcp import ReportBlock
from mediaserver.rtp import HEADER, KEPT_FLAGS, payload_offset
from mediaserver.sent_reports import SentReports
from mediaserver.shaping import Shape
from mediaserver.sink import Sink
from mediaserver.timeline import Timeline
from mediaserver.vp8 import PictureNumbers, read_descriptor

NEVER = 1 << 62
PAUSED = -1
HIGHEST_LAYER = 2
_MOST_STOPPED = 8

ShapePacket = Callable[[int, int, int, bytes, int, int], None]
"""(index, kept flags, timestamp, payload, abs-send-time, audio level): one packet of the stream that is followed."""


def _never(*_: object) -> None:
    raise AssertionError("only who is shaped is asked to shape")


class Subscription(Outgoing):
    """Silent (no publisher, or not wanted), waiting for a keyframe, flowing, or flowing and waiting to switch.

    `stream` is what flows. Public fields are the forwarder's.
    """

    __slots__ = (
        "_awaited",
        "_most",
        "_next_number",
        "_octets_before",
        "_packets_before",
        "_pictures",
        "_published",
        "_renumbered",
        "_reports",
        "_retransmission",
        "_shape",
        "_spatial",
        "_started_octets",
        "_started_packets",
        "_stopped",
        "_temporal",
        "_timeline",
        "_timeline_of",
        "_wanted",
        "first_index",
        "fraction_lost",
        "packets_lost",
        "sequence_offset",
        "shape",
        "stream",
        "timestamp_offset",
    )

    def __init__(self, section: Section, sink: Sink, drops: Drops) -> None:
        super().__init__(section, sink)
        self._reports = SentReports(sink.send_rtcp)
        self._retransmission = Retransmission(self, drops)
        self._next_number = 0x10000 + secrets.randbelow(0x4000)
        self.stream: IncomingStream | None = None
        self._awaited: IncomingStream | None = None
        self._published: PublishedSection | None = None
        self._wanted = False
        self._most = self._spatial = HIGHEST_LAYER
        self._temporal = ALL_LAYERS
        self._timeline = Timeline()
        self._timeline_of: IncomingStream | None = None
        """The layer of the present publisher that flowed last."""
        self._stopped: dict[int, int] = {}
        """Up to which index the last few streams went out, by their identity."""
        self._pictures: PictureNumbers | None = None
        """What went out last of the present publisher."""
        self._renumbered = False
        """Its pictures went out under other numbers than their own."""
        self._shape: Shape | None = None
        self.shape: ShapePacket = _never
        self._packets_before = self._octets_before = 0
        self._started_packets = self._started_octets = 0
        self.first_index = NEVER
        self.sequence_offset = self.timestamp_offset = 0
        self.fraction_lost = self.packets_lost = 0

    def renegotiate(self, section: Section, now: float) -> None:
        """The section's ids, mid or formats may have changed; its SSRCs never do."""
        self.configure(section)
        self._follow_level()
        stream = self.stream
        if stream is not None and not self.first_word:
            self._fall_silent(stream)
        if self._awaited is not None:
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
    def flows(self) -> bool:
        return self.stream is not None

    @property
    def is_shaped(self) -> bool:
        return self._shape is not None

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
        self._timeline_of = None
        self._pictures, self._renumbered = None, False
        self._retransmission.forget()
        if published is not None:
            published.add(self)
        self.follow(now)

    def want(self, wanted: bool, now: float, most: int = HIGHEST_LAYER) -> None:
        """Whether packets may go out: the peer's keys are ready and it shows this section. `most`: the highest layer
        that it has a use for."""
        self._wanted = wanted
        self._most = most
        self.follow(now)

    def choose(self, spatial: int, temporal: int, now: float) -> None:
        """At most these layers, as `layer_rates` counts them (`PAUSED` = nothing; the last temporal one = all).

        Another spatial layer begins with its next keyframe; fewer temporal layers with the next picture, more with one
        that can do without those left out.
        """
        self._spatial = spatial
        known = self._published.temporal_layers if self._published is not None else 1
        self._temporal = ALL_LAYERS if temporal >= known - 1 else temporal
        if self._shape is not None:
            self._shape.pictures.wish = self._temporal
        elif self.stream is not None and self._temporal < ALL_LAYERS and self.stream.layered:
            self._end_span(self.stream)
            self._begin_shape(self.stream, self.stream.highest + 1, None, limit=ALL_LAYERS)
        self.follow(now)

    def follow(self, now: float) -> None:
        """Moves towards the stream that it should follow now."""
        target = self._target()
        if target is None:
            self._let_go()
            return
        awaited = self._awaited
        if target is awaited or (awaited is None and target is self.stream):
            return
        if awaited is not None:
            self._awaited = None
            awaited.remove(self)
        if target is not self.stream:
            self._awaited = target
            self._follow_level()
            target.add(self, now)

    def _target(self) -> IncomingStream | None:
        if self._published is None or not self._wanted or self._spatial == PAUSED:
            return None
        return self._published.pick(min(self._most, self._spatial))

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
            self._stop(stream)
            stream.remove(self)

    def _follow_level(self) -> None:
        stream = self.stream or self._awaited
        self.tell_level(stream is not None and bool(stream.level_id))

    def follow_format(self, name: str) -> None:
        """The publisher's codec; without a payload type for it the subscription falls silent until the next start."""
        self.use_format(name)
        if not self.first_word and self.stream is not None:
            self._fall_silent(self.stream)

    def _fall_silent(self, stream: IncomingStream) -> None:
        """Nothing more may go out under the numbers that follow: it waits for a start."""
        self._stop(stream)
        if self._awaited is None:
            self._awaited = stream
            stream.enlist(self)
        else:
            stream.remove(self)

    # Starts and stops

    def may_start(self, stream: IncomingStream, index: int) -> bool:
        """Whether a start at a packet of the past repeats nothing that went out before."""
        return bool(self.first_word) and index > self._stopped.get(stream.identity, -1)

    def start(self, stream: IncomingStream, index: int, timestamp: int, now: float) -> bool:
        """From the incoming packet `index` on, packets flow. False: the subscriber can't show the format."""
        if not self.first_word:
            return False
        before = self.stream
        if before is not None:
            self._stop(before)
            before.remove(self)
        self._awaited = None
        self._timeline.begin(stream, timestamp, now, self._timeline_of)
        self.timestamp_offset = self._timeline.offset
        continued = self._pictures if stream is not self._timeline_of or self._renumbered else None
        self.stream = self._timeline_of = stream
        self._follow_level()
        if stream.layered and (continued is not None or self._temporal < ALL_LAYERS):
            self._begin_shape(stream, index, continued, limit=self._temporal)
        else:
            self._begin_plain(stream, index)
        report = stream.reception.report
        if report is not None:
            elapsed = now - stream.reception.report_arrival
            rtp_timestamp = report.rtp_timestamp + int(elapsed * stream.clock_rate)
            self.send_report(report.ntp + int(elapsed * (1 << 32)), rtp_timestamp, now)
        return True

    def _begin_plain(self, stream: IncomingStream, index: int) -> None:
        self.sequence_offset = self._next_number - index
        self.first_index = index
        self._shape, self.shape = None, _never
        self._begin_span(stream)

    def _begin_shape(self, stream: IncomingStream, index: int, continued: PictureNumbers | None, *, limit: int) -> None:
        self.first_index = index
        shape = Shape(
            self,
            Pictures(continued, limit=limit, wish=self._temporal),
            first=index,
            next_number=self._next_number,
            timestamp_offset=self.timestamp_offset,
            size=stream.ring.size,
        )
        self._shape, self.shape = shape, shape.shape
        self._begin_span(stream)

    def _begin_span(self, stream: IncomingStream) -> None:
        counted = self._shape or stream
        self._started_packets, self._started_octets = counted.packets, counted.octets
        span = Span(self._next_number, stream, self.timestamp_offset, self.sequence_offset, self._shape)
        self._retransmission.begin(span)
        stream.enlist(self)

    def settle(self) -> None:
        """Once a tick: who is shaped and changes nothing any more goes out plainly again."""
        stream, shape = self.stream, self._shape
        if stream is not None and shape is not None and shape.pictures.unchanged and shape.highest == stream.highest:
            self._end_span(stream)
            self._begin_plain(stream, stream.highest + 1)

    def _stop(self, stream: IncomingStream) -> None:
        self._end_span(stream)
        self._timeline.stopped(stream)
        self._stopped[stream.identity] = stream.highest
        if len(self._stopped) > _MOST_STOPPED:
            del self._stopped[next(iter(self._stopped))]
        self._renumbered = self._shape is not None
        self._pictures = _last_picture(stream) if self._shape is None else self._shape.pictures.last
        self.stream = None
        self._shape, self.shape = None, _never
        self.first_index = NEVER

    def _end_span(self, stream: IncomingStream) -> None:
        self._packets_before, self._octets_before = self._sent()
        self._next_number = self._upcoming(stream)

    def _upcoming(self, stream: IncomingStream) -> int:
        """The number of the next packet."""
        return self._shape.next if self._shape is not None else stream.highest + self.sequence_offset + 1

    # What was sent

    def _sent(self) -> tuple[int, int]:
        """Packets and payload octets so far; plain ones from the stream's counts instead of counters of our own."""
        packets, octets = self._packets_before, self._octets_before
        counted = self._shape or self.stream
        if counted is None:
            return packets, octets
        return packets + counted.packets - self._started_packets, octets + counted.octets - self._started_octets

    @property
    def packets_sent(self) -> int:
        return self._sent()[0]

    @property
    def octets_sent(self) -> int:
        return self._sent()[1]

    @property
    def packets_retransmitted(self) -> int:
        return self._retransmission.packets

    @property
    def bits_sent(self) -> int:
        """Of RTP packets with their headers, before SRTP; retransmissions and padding included."""
        packets, octets = self._sent()
        return 8 * (octets + packets * len(self.header) + self._retransmission.octets)

    def layer_rates(self, now: float) -> tuple[tuple[int, ...], ...]:
        """Bits per second by spatial layer, low to high, and temporal layer (each with those below it), of all that it
        could follow; 0 = not known, as of layers that are not sent just now. Empty without a publisher."""
        if self._published is None:
            return ()
        return self._published.rates(now)

    # Packets of the past

    def replay(self, ring: PacketRing, first: int, last: int, now: float) -> None:
        """Sends what the ring holds of `first`..`last`, which never went out here before."""
        for index in range(first, last + 1):
            packet = ring.get(index)
            if packet is None:
                continue
            word, sequence, timestamp, _ = HEADER.unpack_from(packet)
            payload = packet[payload_offset(packet) :]
            if self._shape is not None:
                send_time = int(now * ABS_SEND_TIME_UNITS) & 0xFFFFFF
                self.shape(index, word & KEPT_FLAGS, timestamp, payload, send_time, SILENCE)
                continue
            self.write(word & KEPT_FLAGS, sequence + self.sequence_offset, timestamp + self.timestamp_offset, now)
            self.send(b"".join((self.header, payload)))
            self._packets_before += 1
            self._octets_before += len(payload)

    def resend(self, sequences: Sequence[int], now: float) -> None:
        """Answers a NACK."""
        self._retransmission.resend(sequences, self._highest(), now)

    def pad(self, octets: int, now: float) -> int:
        """Sends about so many octets more than the publisher gives, to probe; how many it were. Nothing without RTX, or
        while nothing flows."""
        return self._retransmission.pad(octets, self._highest(), now) if self.stream is not None else 0

    def _highest(self) -> int:
        return (self._next_number if self.stream is None else self._upcoming(self.stream)) - 1

    def request_keyframe(self, now: float) -> None:
        """The subscriber's decoder needs a keyframe."""
        stream = self.stream or self._awaited
        if stream is not None:
            stream.request_keyframe(now)

    # Reports

    def send_report(self, ntp: int, rtp_timestamp: int, now: float) -> None:
        """The publisher's sender report in this subscription's time line (RFC 3550 section 6.4.1): NTP time is kept."""
        if self.stream is None:
            return
        rtp_timestamp += self.timestamp_offset
        self._reports.send(self.ssrc, self.section.canonical_name, ntp, rtp_timestamp, self._sent(), now)

    def received_report(self, block: ReportBlock, now: float) -> float | None:
        """The subscriber's report about us; the round trip in seconds when it can be told."""
        self.fraction_lost = block.fraction_lost
        self.packets_lost = block.packets_lost
        return self._reports.round_trip(block, now)


def _last_picture(stream: IncomingStream) -> PictureNumbers | None:
    """Of the packet that came last, by the publisher's own numbers."""
    packet = stream.ring.get(stream.highest) if stream.layered and stream.highest >= 0 else None
    read = read_descriptor(packet[payload_offset(packet) :]) if packet is not None else None
    return PictureNumbers(read.picture, read.tl0, read.key) if read is not None else None
