"""What costs much more than a packet is bounded for each peer, far above what browsers ask for."""

import struct

import pytest

from mediaserver.drops import Drop, Drops
from mediaserver.negotiated import Direction, ExtensionIds, Kind, Negotiated, Section
from mediaserver.peer_media import connect_slot
from mediaserver.rtcp import (
    LARGEST_ESTIMATE,
    KeyframeRequest,
    Nack,
    SenderReport,
    bandwidth_estimate,
    nack,
    picture_loss,
    receiver_report,
    sender_report,
)
from tests.mediaserver.packet_path import (
    DELTA,
    KEYFRAME,
    VIDEO_SSRC,
    VP8,
    Clock,
    Peer,
    element,
    publishing,
    rtp,
    subscribing,
)


class Call:
    """One publisher, one subscriber, and the first picture."""

    def __init__(self) -> None:
        self.clock, self.drops = Clock(), Drops()
        self.publisher, self.subscriber = self.peer(publishing()), self.peer(subscribing())
        connect_slot(self.publisher.media, self.subscriber.media, 0)
        self.sends(0, KEYFRAME)
        [self.first] = self.subscriber.sink.take_rtp()
        self.publisher.sink.rtcp.clear()

    def peer(self, negotiated: Negotiated) -> Peer:
        return Peer(self.clock, self.drops, negotiated)

    def sends(self, number: int, payload: bytes = DELTA) -> None:
        self.publisher.media.receive_rtp(rtp(VIDEO_SSRC, number, number * 3000, payload), self.clock.now)

    def dropped(self, reason: Drop) -> int:
        return self.drops.counts[reason]


def test_who_names_thousands_of_packets_is_answered_for_some() -> None:
    call = Call()
    for turn in range(100):
        asked = [(call.first.sequence_number + 1 + turn * 200 + step) & 0xFFFF for step in range(200)]
        call.subscriber.media.receive_rtcp(nack(1, 5001, asked), call.clock.now)
    looked_for = call.dropped(Drop.RETRANSMISSION_UNKNOWN)
    assert 1_000 <= looked_for < 5_000
    assert call.dropped(Drop.RETRANSMISSION_TOO_MANY) == 20_000 - looked_for
    call.clock.now += 1
    call.subscriber.media.receive_rtcp(nack(1, 5001, [call.first.sequence_number]), call.clock.now)
    assert len(call.subscriber.sink.take_rtp()) == 1


def test_a_bad_link_asks_for_less_than_the_bound() -> None:
    """Of 500 packets a second half is lost, and each is asked for three times, one datagram each."""
    call = Call()
    for number in range(1, 1_000):
        call.clock.now += 1 / 500
        call.sends(number)
        if number % 2:
            for repeated in (number, number - 20, number - 40):
                lost = (call.first.sequence_number + max(0, repeated)) & 0xFFFF
                call.subscriber.media.receive_rtcp(nack(1, 5001, [lost]), call.clock.now)
    assert call.dropped(Drop.RETRANSMISSION_TOO_MANY) == 0
    assert call.dropped(Drop.RTCP_TOO_MUCH) == 0


@pytest.mark.parametrize("told", [(), (6_000_000, 3_000_000, LARGEST_ESTIMATE)], ids=["honest", "lying"])
def test_who_asks_for_everything_again_is_sent_half_as_much_again(told: tuple[int, ...]) -> None:
    call = Call()
    for estimate in told:
        call.subscriber.media.receive_rtcp(bandwidth_estimate(1, estimate, [5001]), call.clock.now)
    resent = sent = 0
    for number in range(1, 3_000):
        call.clock.now += 1 / 300
        call.sends(number, DELTA + bytes(1_100))
        call.subscriber.media.tick(call.clock.now)
        if number % 15 == 0:
            recent = [(call.first.sequence_number + number - back) & 0xFFFF for back in range(100, 0, -1)]
            # The oldest last: so nobody takes it for a link that loses everything.
            asked = nack(1, 5001, [*recent, call.first.sequence_number])
            call.subscriber.media.receive_rtcp(asked, call.clock.now)
        for packet in call.subscriber.sink.take_rtp():
            sent += len(packet.payload) if packet.ssrc == 5001 else 0
            resent += len(packet.payload) if packet.ssrc == 5002 else 0
    assert sent / 3 < resent < sent * 2 / 3
    assert call.dropped(Drop.RETRANSMISSION_TOO_MANY) > 1_000


def test_on_a_full_link_little_is_sent_again() -> None:
    """What is lost there is lost because it is full."""
    call = Call()
    for estimate in (2_000_000, 240_000):
        call.subscriber.media.receive_rtcp(bandwidth_estimate(1, estimate, [5001]), call.clock.now)
    resent = 0
    for number in range(1, 3_000):
        call.clock.now += 1 / 300
        call.sends(number, DELTA + bytes(1_100))
        call.subscriber.media.tick(call.clock.now)
        recent = [(call.first.sequence_number + number - back) & 0xFFFF for back in range(5, 0, -1)]
        call.subscriber.media.receive_rtcp(nack(1, 5001, [*recent, call.first.sequence_number]), call.clock.now)
        resent += sum(len(packet.payload) for packet in call.subscriber.sink.take_rtp() if packet.ssrc == 5002)
    assert 0 < resent * 8 / 10 < 100_000


def test_small_packets_are_not_sent_again_by_the_thousand() -> None:
    call = Call()
    for number in range(1, 300):
        call.sends(number)
    recent = [(call.first.sequence_number + number) & 0xFFFF for number in range(100, 300)]
    call.subscriber.sink.rtp.clear()
    for _ in range(40):
        call.clock.now += 0.051
        call.subscriber.media.receive_rtcp(nack(1, 5001, recent), call.clock.now)
    assert 200 < len(call.subscriber.sink.rtp) < 1_500


def test_a_lost_keyframe_is_sent_again_at_once() -> None:
    call = Call()
    for number in range(1, 60):
        call.sends(number, DELTA + bytes(1_100))
    call.subscriber.sink.rtp.clear()
    everything = [(call.first.sequence_number + number) & 0xFFFF for number in range(1, 60)]
    call.subscriber.media.receive_rtcp(nack(1, 5001, everything), call.clock.now)
    assert len(call.subscriber.sink.take_rtp()) == 59


def test_control_packets_without_end_are_not_read() -> None:
    call = Call()
    tiny, full = receiver_report(1, []), struct.pack("!BBHII", 0x84, 206, 342, 1, 0) + bytes(8) * 170
    for packet, most in ((tiny, 3_000), (full, 300)):
        call.clock.now += 60
        before = call.dropped(Drop.RTCP_TOO_MUCH)
        for _ in range(10_000):
            call.subscriber.media.receive_rtcp(packet, call.clock.now)
        assert call.dropped(Drop.RTCP_TOO_MUCH) - before > 10_000 - most
    call.clock.now += 1
    call.subscriber.media.receive_rtcp(nack(1, 5001, [call.first.sequence_number]), call.clock.now)
    assert len(call.subscriber.sink.take_rtp()) == 1


def test_who_asks_for_keyframes_without_end_gets_few_and_who_comes_gets_one_at_once() -> None:
    call = Call()
    asked = 0
    for number in range(1, 60 * 20):
        call.clock.now += 0.05
        call.subscriber.media.receive_rtcp(picture_loss(1, 5001), call.clock.now)
        call.publisher.media.tick(call.clock.now)
        requests = [each for each in call.publisher.sink.messages() if isinstance(each, KeyframeRequest)]
        call.publisher.sink.rtcp.clear()
        asked += len(requests)
        call.sends(number, KEYFRAME if requests else DELTA)
    assert 15 <= asked <= 25
    assert call.dropped(Drop.KEYFRAME_TOO_OFTEN) > 1_000
    call.clock.now += 1
    connect_slot(call.publisher.media, call.peer(subscribing(ssrc=6000)).media, 0)
    assert any(isinstance(each, KeyframeRequest) for each in call.publisher.sink.messages())


def test_a_keyframe_every_few_seconds_is_not_too_often() -> None:
    call = Call()
    for number in range(1, 30):
        call.clock.now += 3.1
        call.subscriber.media.receive_rtcp(picture_loss(1, 5001), call.clock.now)
        call.sends(number, KEYFRAME)
    assert sum(isinstance(each, KeyframeRequest) for each in call.publisher.sink.messages()) == 29


def test_sender_reports_are_passed_on_twice_a_second() -> None:
    call = Call()
    for number in range(49):
        call.publisher.media.receive_rtcp(sender_report(VIDEO_SSRC, number << 32, number, 1, 1) * 49, call.clock.now)
        call.clock.now += 0.04
    told = [each for each in call.subscriber.sink.messages() if isinstance(each, SenderReport)]
    assert len(told) == 4


def test_leaps_without_end_are_not_followed() -> None:
    call = Call()
    for number in range(1, 40):
        call.sends(number * 600)
    taken = len(call.subscriber.sink.take_rtp())
    assert 0 < taken < 20
    assert call.dropped(Drop.RTP_LEAPS_TOO_OFTEN) == 39 - taken
    # Whoever stops leaping is heard again.
    for number in range(40 * 600, 40 * 600 + 200):
        call.clock.now += 0.01
        call.sends(number)
    assert len(call.subscriber.sink.take_rtp()) > 150


def test_an_up_link_that_loses_half_of_everything_is_followed() -> None:
    call = Call()
    for number in range(2, 2_000, 2):
        call.clock.now += 1 / 250
        call.sends(number)
        call.publisher.media.tick(call.clock.now)
    assert call.dropped(Drop.RTP_LEAPS_TOO_OFTEN) == 0
    assert any(isinstance(each, Nack) for each in call.publisher.sink.messages())


def test_unknown_streams_without_end_are_not_looked_at() -> None:
    ids = ExtensionIds(mid=4)
    drops, clock = Drops(), Clock()
    sections = tuple(Section(str(number), Kind.VIDEO, Direction.PUBLISH, (VP8,), ids, ()) for number in range(20))
    peer = Peer(clock, drops, Negotiated(sections))
    for number in range(1_000):
        peer.media.receive_rtp(rtp(10_000 + number, 1, 1, KEYFRAME), clock.now)
    known = rtp(9_000, 1, 1, KEYFRAME, elements=element(4, b"7"))
    peer.media.receive_rtp(known, clock.now)
    assert drops.counts[Drop.RTP_UNKNOWN_STREAM] == 1_001
    clock.now += 0.1
    peer.media.receive_rtp(known, clock.now)
    assert drops.counts[Drop.RTP_UNKNOWN_STREAM] == 1_001


@pytest.mark.parametrize("profile", [0xBEDE, 0x1000])
def test_a_long_block_of_extensions_is_not_walked_through(profile: int) -> None:
    call = Call()

    def packet(number: int, words: int) -> bytes:
        head = struct.pack("!HHII", 0x9000 | VP8.payload_type, number, 0, VIDEO_SSRC)
        return head + struct.pack("!HH", profile, words) + bytes(4 * words) + DELTA

    call.publisher.media.receive_rtp(packet(1, 64), call.clock.now)
    call.publisher.media.receive_rtp(packet(2, 65), call.clock.now)
    assert len(call.subscriber.sink.rtp) == 1
    assert call.dropped(Drop.RTP_MALFORMED) == 1


def test_a_mid_is_found_at_the_end_of_a_block_and_not_beyond_a_bound() -> None:
    ids = ExtensionIds(mid=4)
    drops, clock = Drops(), Clock()
    sections = tuple(Section(str(number), Kind.VIDEO, Direction.PUBLISH, (VP8,), ids, ()) for number in range(9))
    peer = Peer(clock, drops, Negotiated(sections))
    peer.media.receive_rtp(rtp(9_000, 1, 1, KEYFRAME, elements=bytes(256) + element(4, b"7")), clock.now)
    assert drops.counts[Drop.RTP_UNKNOWN_STREAM] == 1
    peer.media.receive_rtp(rtp(9_000, 1, 1, KEYFRAME, elements=bytes(254) + element(4, b"7")), clock.now)
    published = peer.media._incoming.by_ssrc[9_000].published
    assert published.section.mid == "7"
