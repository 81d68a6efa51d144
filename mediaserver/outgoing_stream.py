"""One outgoing RTP stream with an SSRC and numbering of its own, unbroken whatever it is made of.

Every start begins right after the highest number used before and ignores older incoming packets: one SSRC and sequence
number never carry two contents (with AES-GCM a repeated nonce gives the key away). While packets flow plainly, an
incoming index and the outgoing one differ by a constant, so that true losses and reordering stay visible; who needs
more is shaped (`shaping.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from mediaserver.doubt import RoundTrip
from mediaserver.drops import Drops
from mediaserver.forwarder import ABS_SEND_TIME_UNITS
from mediaserver.incoming import SILENCE, IncomingStream
from mediaserver.negotiated import Section
from mediaserver.outgoing import Outgoing
from mediaserver.pictures import ALL_LAYERS, Pictures
from mediaserver.red import OwnBlocks
from mediaserver.retransmission import Retransmission, Span
from mediaserver.rtcp import ReportBlock
from mediaserver.rtp import HEADER, KEPT_FLAGS, payload_offset
from mediaserver.sent_reports import SentReports
from mediaserver.shaping import Shape
from mediaserver.sink import Sink
from mediaserver.timeline import Timeline
from mediaserver.token_bucket import TokenBucket
from mediaserver.vp8 import ABSENT, PictureNumbers, read_descriptor

NEVER = 1 << 62
_MOST_STOPPED = 8
_LOOKED_AT = 16

ShapePacket = Callable[[int, int, int, bytes, int, int], None]
"""(index, kept flags, timestamp, payload, abs-send-time, audio level): one packet of the stream that is followed."""


def _never(*_: object) -> None:
    raise AssertionError("only who is shaped is asked to shape")


class OutgoingStream(Outgoing):
    """`stream` is what flows now. Public fields are the forwarder's."""

    __slots__ = (
        "_drops",
        "_next_number",
        "_octets_before",
        "_own_blocks",
        "_packets_before",
        "_pictures",
        "_renumbered",
        "_reports",
        "_retransmission",
        "_shape",
        "_started_octets",
        "_started_packets",
        "_stopped",
        "_temporal",
        "_timeline",
        "_timeline_of",
        "first_index",
        "fraction_lost",
        "packets_lost",
        "reported_at",
        "shape",
        "stream",
    )

    def __init__(self, section: Section, sink: Sink, drops: Drops) -> None:
        super().__init__(section, sink)
        self.stream: IncomingStream | None = None
        self._reports = SentReports(sink.send_rtcp)
        self._retransmission = Retransmission(drops)
        self._drops = drops
        self._next_number = 0x10000 + secrets.randbelow(0x4000)
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
        self._own_blocks: OwnBlocks | None = None
        """Not both of these."""
        self.shape: ShapePacket = _never
        self._packets_before = self._octets_before = 0
        self._started_packets = self._started_octets = 0
        self.first_index = NEVER
        self.sequence_offset = self.timestamp_offset = 0
        self.fraction_lost = self.packets_lost = 0
        self.reported_at = 0.0

    @property
    def flows(self) -> bool:
        return self.stream is not None

    @property
    def is_shaped(self) -> bool:
        return self._shape is not None or self._own_blocks is not None

    # Starts and ends

    def may_begin(self, stream: IncomingStream, index: int) -> bool:
        """Whether a start at a packet of the past repeats nothing that went out before."""
        return bool(self.first_word) and index > self._stopped.get(stream.identity, -1)

    def begin(self, stream: IncomingStream, index: int, timestamp: int, now: float) -> None:
        """From the incoming packet `index` on, `stream` flows; whatever flowed before has ended."""
        self._timeline.begin(stream, timestamp, now, self._timeline_of)
        self.timestamp_offset = self._timeline.offset
        continued = self._pictures if stream is not self._timeline_of or self._renumbered else None
        self.stream = self._timeline_of = stream
        if stream.video:
            self._retransmission.renewed_at = self._next_number
        if stream.layered and (continued is not None or self._temporal < ALL_LAYERS):
            self._begin_shape(stream, index, continued, limit=self._temporal)
        else:
            self._begin_plain(stream, index)

    def end(self, stream: IncomingStream) -> None:
        """`stream`, which flows, does not any more."""
        self._end_span(stream)
        self._timeline.stopped(stream)
        # Anew, so that the one forgotten first is the one that stopped longest ago.
        self._stopped.pop(stream.identity, None)
        self._stopped[stream.identity] = stream.highest
        if len(self._stopped) > _MOST_STOPPED:
            del self._stopped[next(iter(self._stopped))]
        self._renumbered = self._shape is not None
        self._pictures = _last_picture(stream) if self._shape is None else self._shape.pictures.last or self._pictures
        self.stream = None
        self._shape, self._own_blocks, self.shape = None, None, _never
        self.first_index = NEVER

    def end_publisher(self) -> None:
        """What comes next is somebody else's."""
        self._timeline_of = None
        self._pictures, self._renumbered = None, False
        self._retransmission.forget()

    def limit_temporal(self, temporal: int) -> None:
        """The highest temporal layer that goes out: lower ones with the next picture."""
        self._temporal = temporal
        stream = self.stream
        if self._shape is not None:
            self._shape.pictures.wish = temporal
        elif stream is not None and temporal < ALL_LAYERS and stream.layered:
            self._end_span(stream)
            self._pictures = _last_picture(stream)
            self._begin_shape(stream, stream.highest + 1, None, limit=ALL_LAYERS)

    def settle(self) -> None:
        """Who is shaped and changes nothing any more goes out plainly again."""
        stream, shape = self.stream, self._shape
        if stream is not None and shape is not None and shape.pictures.unchanged and shape.highest == stream.highest:
            self._end_span(stream)
            self._begin_plain(stream, stream.highest + 1)

    def _begin_plain(self, stream: IncomingStream, index: int) -> None:
        self.sequence_offset = self._next_number - index
        self.first_index = index
        self._shape_blocks()
        self._begin_span(stream)

    def reshape_blocks(self, stream: IncomingStream) -> bool:
        """After a change of format: RED begins or ends, with the numbers as they were. Whether anything changed."""
        if self.codec is None or not (self.takes_own_blocks or self._own_blocks is not None):
            return False
        self._end_span(stream)
        self._shape_blocks()
        self._begin_span(stream)
        return True

    def _shape_blocks(self) -> None:
        """RED that the subscriber does not know is shaped, everything else is plain."""
        self._shape, self._own_blocks, self.shape = None, None, _never
        if self.takes_own_blocks and self.codec is not None:
            self._own_blocks = OwnBlocks(self, self.codec.blocks, self._drops)
            self.shape = self._own_blocks.shape

    def _begin_shape(self, stream: IncomingStream, index: int, continued: PictureNumbers | None, *, limit: int) -> None:
        self.first_index = index
        shape = Shape(
            self,
            Pictures(continued, limit=limit, wish=self._temporal),
            self._drops,
            first=index,
            next_number=self._next_number,
            timestamp_offset=self.timestamp_offset,
            size=stream.ring.size,
        )
        self._shape, self.shape = shape, shape.shape
        self._begin_span(stream)

    def _begin_span(self, stream: IncomingStream) -> None:
        counted = self._shape or self._own_blocks or stream
        self._started_packets, self._started_octets = counted.packets, counted.octets
        span = Span(self._next_number, stream, self.timestamp_offset, self.sequence_offset, self._shape)
        self._retransmission.begin(span)

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
        counted = self._shape or self._own_blocks or self.stream
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

    # Packets of the past

    def expect(self, payload: bytes) -> None:
        """The packet that was begun with goes out after later ones: their pictures are numbered after its own."""
        if self._shape is not None:
            self._shape.pictures.begin(payload)

    def replay(self, stream: IncomingStream, first: int, last: int, now: float) -> None:
        """Sends what the stream's ring holds of `first`..`last` in the present format; none of it went out before."""
        for index in range(first, last + 1):
            packet = stream.ring.get(index)
            if packet is None or packet[1] & 0x7F != stream.payload_type:
                continue
            word, sequence, timestamp, _ = HEADER.unpack_from(packet)
            payload = packet[payload_offset(packet) :]
            if self.is_shaped:
                send_time = int(now * ABS_SEND_TIME_UNITS) & 0xFFFFFF
                self.shape(index, word & KEPT_FLAGS, timestamp, payload, send_time, SILENCE)
                continue
            self.write(word & KEPT_FLAGS, sequence + self.sequence_offset, timestamp + self.timestamp_offset, now)
            self.send(b"".join((self.header, payload)))
            self._packets_before += 1
            self._octets_before += len(payload)

    def resend(self, sequences: Sequence[int], budget: TokenBucket, now: float, *, full: bool) -> None:
        """Answers a NACK. `budget`: of octets. `full`: the link is known to be."""
        self._retransmission.resend(self, sequences, self._highest(), budget, now, full=full)

    def pad(self, octets: int, now: float) -> int:
        """Sends about so many octets more than the publisher gives, to probe; how many it were. Nothing without RTX."""
        return self._retransmission.pad(self, octets, self._highest(), now)

    def _highest(self) -> int:
        return (self._next_number if self.stream is None else self._upcoming(self.stream)) - 1

    # Reports

    def send_report(self, ntp: int, rtp_timestamp: int, now: float) -> None:
        """The publisher's sender report in this subscription's time line (RFC 3550 section 6.4.1): NTP time is kept."""
        if self.stream is None:
            return
        rtp_timestamp += self.timestamp_offset
        self._reports.send(self.ssrc, self.section.canonical_name, ntp, rtp_timestamp, self._sent(), now)

    def received_report(self, block: ReportBlock, now: float) -> RoundTrip | None:
        """The subscriber's report about us; the round trip when it can be told."""
        self.fraction_lost = block.fraction_lost
        self.packets_lost = block.packets_lost
        self.reported_at = now
        return self._reports.round_trip(block, now)


def _last_picture(stream: IncomingStream) -> PictureNumbers | None:
    """Of the packet that came last, by the publisher's own numbers; packets of padding have none."""
    if not stream.layered:
        return None
    for index in range(stream.highest, stream.highest - _LOOKED_AT, -1):
        packet = stream.ring.get(index) if index >= 0 else None
        read = read_descriptor(packet[payload_offset(packet) :]) if packet is not None else None
        if read is not None and read.picture != ABSENT:
            return PictureNumbers(read.picture, read.tl0, read.key)
    return None
