"""A camera that sends three VP8 layers, and what a subscriber's decoder makes of what it gets."""

import itertools
import struct
from dataclasses import dataclass, field

from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.rtp import RtpPacket

from mediaserver.drops import Drops
from mediaserver.negotiated import Direction, ExtensionIds, Kind, Negotiated, Section
from mediaserver.peer_media import connect_slot
from mediaserver.rtcp import KeyframeRequest, sender_report
from mediaserver.subscription import Subscription
from tests.mediaserver.packet_path import AUDIO_SSRC, CHROMIUM, OPUS, VP8, Clock, Peer, element, rtp, subscribing

RIDS = ("l", "m", "h")
SSRCS = (3001, 3101, 3201)
REPAIR_SSRCS = (3002, 3102, 3202)
IDS = ExtensionIds(mid=4, rid=10, repaired_rid=11, audio_level=1, abs_send_time=2, transport_cc=3)
TEMPORAL = (0, 2, 1, 2)
FRAME_TICKS = 3000
ALL_TEMPORAL = 3


def publishing_layers(rids: tuple[str, ...] = RIDS) -> Negotiated:
    return Negotiated(
        (
            Section("0", Kind.AUDIO, Direction.PUBLISH, (OPUS,), CHROMIUM, ((AUDIO_SSRC, 0),)),
            Section("1", Kind.VIDEO, Direction.PUBLISH, (VP8,), IDS, (), rids=rids),
        )
    )


@dataclass
class Layer:
    """One encoding: numbers of its own, from wherever they begin."""

    number: int
    sequence: int
    picture: int
    tl0: int
    clock: int
    frames: int = 0
    since_key: int = 0

    def frame(self, moment: int, *, key: bool = False, packets: int = 2) -> list[bytes]:
        """The packets of the next picture, `moment` in frames since the camera's start."""
        self.frames += 1
        self.since_key = 0 if key else self.since_key + 1
        temporal = TEMPORAL[self.since_key % 4]
        # In this pattern the first pictures of the upper layers after the lowest need nothing else.
        sync = self.since_key % 4 in (1, 2)
        self.picture = (self.picture + 1) & 0x7FFF
        if temporal == 0:
            self.tl0 = (self.tl0 + 1) & 0xFF
        made = []
        for part in range(packets):
            first = 0x90 if part == 0 else 0x80
            tail = struct.pack("!BHBB", 0xE0, 0x8000 | self.picture, self.tl0, temporal << 6 | sync << 5)
            body = bytes([0 if key else 1]) + struct.pack("!BIBB", self.number, self.frames, part, temporal)
            self.sequence += 1
            made.append(
                rtp(
                    SSRCS[self.number],
                    self.sequence,
                    self.clock + moment * FRAME_TICKS,
                    bytes([first]) + tail + body,
                    marker=part == packets - 1,
                    elements=element(IDS.mid, b"1") + element(IDS.rid, RIDS[self.number].encode()),
                )
            )
        return made

    def repair(self, packet: bytes, sequence: int) -> bytes:
        """A packet sent again as RTX, which names the layer by its repaired rid."""
        head, payload = packet[:12], RtpPacket.parse(packet).payload
        original = head[2:4]
        timestamp = struct.unpack_from("!I", head, 4)[0]
        elements = element(IDS.mid, b"1") + element(IDS.repaired_rid, RIDS[self.number].encode())
        return rtp(REPAIR_SSRCS[self.number], sequence, timestamp, original + payload, 97, elements=elements)


def camera() -> list[Layer]:
    """Layers whose numbers have nothing in common, and wrap around soon."""
    return [
        Layer(0, 0xFFF0, 0x7FF8, 250, 1_000),
        Layer(1, 100, 7, 3, 0xFFFF0000),
        Layer(2, 30_000, 20_000, 100, 2_000_000_000),
    ]


@dataclass
class Seen:
    """One picture as the decoder is given it."""

    layer: int
    frame: int
    picture: int
    tl0: int
    temporal: int
    key: bool
    timestamp: int
    parts: list[int] = field(default_factory=list)


def pictures(packets: list[RtpPacket]) -> list[Seen]:
    """Packets in the order of their numbers, put together by picture; padding left out."""
    seen: list[Seen] = []
    for packet in packets:
        if not packet.payload:
            continue
        descriptor, body = VpxPayloadDescriptor.parse(packet.payload)
        layer, frame, part, temporal = struct.unpack_from("!BIBB", body, 1)
        assert descriptor.tid is not None
        assert descriptor.tid[0] == temporal
        assert (descriptor.partition_start == 1) == (part == 0)
        key = body[0] == 0
        if not seen or (seen[-1].layer, seen[-1].frame) != (layer, frame):
            assert descriptor.picture_id is not None
            assert descriptor.tl0picidx is not None
            picture, tl0 = descriptor.picture_id, descriptor.tl0picidx
            seen.append(Seen(layer, frame, picture, tl0, temporal, key, packet.timestamp))
        assert packet.timestamp == seen[-1].timestamp
        assert descriptor.picture_id == seen[-1].picture
        seen[-1].parts.append(part)
    return seen


def assert_continuous(seen: list[Seen]) -> None:
    """What RFC 7741 section 4.2 asks of one stream: no gap in any number, time that goes on, switches at keyframes."""
    for before, after in itertools.pairwise(seen):
        assert after.picture == (before.picture + 1) & 0x7FFF
        assert after.tl0 == (before.tl0 + (after.temporal == 0)) & 0xFF
        assert 0 < (after.timestamp - before.timestamp) & 0xFFFFFFFF < 1 << 31
        if after.layer != before.layer:
            assert after.key


class Stage:
    """One publisher with three layers and one subscriber; time passes with frames."""

    def __init__(self) -> None:
        self.clock, self.drops = Clock(), Drops()
        self.publisher = Peer(self.clock, self.drops, publishing_layers())
        self.subscriber = Peer(self.clock, self.drops, subscribing())
        connect_slot(self.publisher.media, self.subscriber.media, 0)
        self.publisher.media.want_layers(frozenset({0, 1, 2}))
        self.layers = camera()
        self.moment = 0

    @property
    def subscription(self) -> Subscription:
        return self.subscriber.media._subscriptions[5001]

    def frame(self, which: tuple[int, ...] = (0, 1, 2), key: tuple[int, ...] = (), packets: int = 2) -> None:
        self.clock.now += 1 / 30
        self.moment += 1
        for number in which:
            for packet in self.layers[number].frame(self.moment, key=number in key, packets=packets):
                self.receive(packet)
        self.publisher.media.tick(self.clock.now)

    def receive(self, packet: bytes) -> None:
        self.publisher.media.receive_rtp(packet, self.clock.now)

    def measured(self) -> "Stage":
        """It is known how many temporal layers there are."""
        self.frame(key=(0, 1, 2))
        self.subscription.layer_rates(self.clock.now)
        self.frames(20)
        assert len(self.subscription.layer_rates(self.clock.now)[0]) == 3
        self.clock.now += 1
        self.seen()
        return self

    def frames(self, count: int, which: tuple[int, ...] = (0, 1, 2)) -> None:
        for _ in range(count):
            self.frame(which)

    def choose(self, spatial: int, temporal: int = ALL_TEMPORAL) -> None:
        self.subscription.choose(spatial, temporal, self.clock.now)

    def seen(self) -> list[Seen]:
        return pictures(self.subscriber.sink.take_rtp())

    def asked(self) -> set[int]:
        """The layers of which a keyframe was asked for."""
        messages = self.publisher.sink.messages()
        self.publisher.sink.rtcp.clear()
        return {SSRCS.index(each.media_ssrc) for each in messages if isinstance(each, KeyframeRequest)}

    def report(self, number: int) -> None:
        """The layer's sender report of the present moment, on the camera's one clock."""
        ntp = int(self.moment / 30 * (1 << 32)) + (77 << 32)
        timestamp = (self.layers[number].clock + self.moment * FRAME_TICKS) & 0xFFFFFFFF
        self.publisher.media.receive_rtcp(sender_report(SSRCS[number], ntp, timestamp, 1, 1), self.clock.now)
