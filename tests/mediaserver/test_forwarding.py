"""What a subscriber is sent, read by aiortc's RTP parser."""

import struct

import msgspec
import pytest

from mediaserver.drops import Drop, Drops
from mediaserver.negotiated import ExtensionIds
from mediaserver.peer_media import connect_slot, disconnect_slot
from mediaserver.rtcp import (
    BandwidthEstimate,
    KeyframeRequest,
    SenderReport,
    bandwidth_estimate,
    picture_loss,
    sender_report,
)
from tests.mediaserver.packet_path import (
    AUDIO_SSRC,
    CHROMIUM,
    DELTA,
    KEYFRAME,
    SUBSCRIBER_H264,
    VIDEO_SSRC,
    Clock,
    Peer,
    element,
    publishing,
    rtp,
    subscribing,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def drops() -> Drops:
    return Drops()


@pytest.fixture
def publisher(clock: Clock, drops: Drops) -> Peer:
    return Peer(clock, drops, publishing())


@pytest.fixture
def subscriber(clock: Clock, drops: Drops, publisher: Peer) -> Peer:
    peer = Peer(clock, drops, subscribing())
    connect_slot(publisher.media, peer.media, 0)
    return peer


def test_payload_arrives_with_the_subscribers_own_ids(clock: Clock, publisher: Peer, subscriber: Peer) -> None:
    elements = element(1, b"\x85") + element(3, b"\x00\x01") + element(2, b"\x01\x02\x03") + element(4, b"0")
    publisher.media.receive_rtp(rtp(AUDIO_SSRC, 7, 960, b"voice", 111, marker=True, elements=elements), clock.now)
    (packet,) = subscriber.sink.take_rtp()
    assert (packet.payload, packet.payload_type, packet.ssrc, packet.marker) == (b"voice", 109, 5000, 1)
    assert packet.extensions.mid == "2"
    assert packet.extensions.audio_level == (True, 5)
    assert packet.extensions.abs_send_time == int(clock.now * (1 << 18)) & 0xFFFFFF


def test_extensions_not_negotiated_are_padding(clock: Clock, drops: Drops, publisher: Peer) -> None:
    peer = Peer(clock, drops, subscribing(ExtensionIds(mid=3)))
    connect_slot(publisher.media, peer.media, 0)
    publisher.media.receive_rtp(rtp(AUDIO_SSRC, 7, 960, b"voice", 111), clock.now)
    (packet,) = peer.sink.take_rtp()
    assert packet.payload == b"voice"
    assert packet.extensions.mid == "2"
    assert packet.extensions.abs_send_time is None
    assert packet.extensions.audio_level is None


def test_video_starts_at_a_keyframe_and_asks_for_one(clock: Clock, publisher: Peer, subscriber: Peer) -> None:
    assert KeyframeRequest(VIDEO_SSRC) in publisher.sink.messages()
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, DELTA), clock.now)
    assert subscriber.sink.rtp == []
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 2, 3000, KEYFRAME), clock.now)
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 3, 6000, DELTA), clock.now)
    first, second = subscriber.sink.take_rtp()
    assert (first.payload, second.payload) == (KEYFRAME, DELTA)
    assert second.sequence_number == (first.sequence_number + 1) & 0xFFFF
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 3000


def test_a_keyframe_that_came_out_of_order_brings_what_followed_it(
    clock: Clock, publisher: Peer, subscriber: Peer
) -> None:
    for sequence, payload in [(1, DELTA), (3, DELTA + b"3"), (4, DELTA + b"4"), (2, KEYFRAME)]:
        publisher.media.receive_rtp(rtp(VIDEO_SSRC, sequence, 0, payload), clock.now)
    packets = sorted(subscriber.sink.take_rtp(), key=lambda packet: packet.sequence_number)
    assert [packet.payload for packet in packets] == [KEYFRAME, DELTA + b"3", DELTA + b"4"]


def test_what_comes_late_from_before_a_start_is_not_sent_under_a_used_number(
    clock: Clock, publisher: Peer, subscriber: Peer
) -> None:
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, KEYFRAME), clock.now)
    subscriber.shows(False)
    clock.now += 1
    subscriber.shows(True)
    for sequence, payload in [(4, KEYFRAME), (3, DELTA), (5, DELTA)]:
        publisher.media.receive_rtp(rtp(VIDEO_SSRC, sequence, 90000, payload), clock.now)
    packets = subscriber.sink.take_rtp()
    assert [packet.payload for packet in packets] == [KEYFRAME, KEYFRAME, DELTA]
    assert [(packet.sequence_number - packets[0].sequence_number) & 0xFFFF for packet in packets] == [0, 1, 2]


def test_a_second_subscriber_is_served_from_the_ring(
    clock: Clock, drops: Drops, publisher: Peer, subscriber: Peer
) -> None:
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, KEYFRAME), clock.now)
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 2, 3000, DELTA), clock.now)
    publisher.sink.rtcp.clear()
    late = Peer(clock, drops, subscribing(ssrc=6000))
    connect_slot(publisher.media, late.media, 0)
    assert [packet.payload for packet in late.sink.take_rtp()] == [KEYFRAME, DELTA]
    assert publisher.sink.messages() == []
    clock.now += 1
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 3, 6000, DELTA), clock.now)
    later = Peer(clock, drops, subscribing(ssrc=7000))
    connect_slot(publisher.media, later.media, 0)
    assert later.sink.rtp == []
    assert publisher.sink.messages() == [KeyframeRequest(VIDEO_SSRC)]


def test_hidden_video_leaves_no_gap(clock: Clock, publisher: Peer, subscriber: Peer) -> None:
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, KEYFRAME), clock.now)
    subscriber.shows(False)
    for sequence in range(2, 40):
        clock.now += 0.1
        publisher.media.receive_rtp(rtp(VIDEO_SSRC, sequence, sequence * 9000, DELTA), clock.now)
    subscriber.shows(True)
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 40, 400000, KEYFRAME), clock.now)
    first, second = subscriber.sink.take_rtp()
    assert second.sequence_number == (first.sequence_number + 1) & 0xFFFF
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 400000


def test_nobody_watching_means_no_packets_and_no_requests(clock: Clock, publisher: Peer, subscriber: Peer) -> None:
    subscriber.shows(False)
    publisher.sink.rtcp.clear()
    for sequence in (1, 2, 9):
        publisher.media.receive_rtp(rtp(VIDEO_SSRC, sequence, 0, KEYFRAME), clock.now)
    for _ in range(10):
        clock.now += 0.05
        publisher.media.tick(clock.now)
    assert subscriber.sink.rtp == []
    assert not [message for message in publisher.sink.messages() if isinstance(message, KeyframeRequest)]
    assert all(packet[1] != 205 for packet in publisher.sink.rtcp)


def test_another_publisher_continues_numbers_and_time(
    clock: Clock, drops: Drops, publisher: Peer, subscriber: Peer
) -> None:
    other = Peer(clock, drops, publishing())
    publisher.media.receive_rtp(rtp(AUDIO_SSRC, 65535, 4_000_000_000, b"one", 111), clock.now)
    clock.now += 0.5
    connect_slot(other.media, subscriber.media, 0)
    other.media.receive_rtp(rtp(AUDIO_SSRC, 17, 5, b"two", 111), clock.now)
    first, second = subscriber.sink.take_rtp()
    assert second.ssrc == first.ssrc
    assert second.sequence_number == (first.sequence_number + 1) & 0xFFFF
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 24000
    disconnect_slot(subscriber.media, 0)
    other.media.receive_rtp(rtp(AUDIO_SSRC, 18, 965, b"three", 111), clock.now)
    assert subscriber.sink.rtp == []


def test_a_subscriber_that_gives_up_the_format_gets_nothing_until_it_takes_it_again(
    clock: Clock, publisher: Peer, subscriber: Peer
) -> None:
    def publish(*payloads: bytes) -> None:
        for payload in payloads:
            clock.now += 0.03
            sequence = round(clock.now * 100) & 0xFFFF
            publisher.media.receive_rtp(rtp(VIDEO_SSRC, sequence, sequence * 900, payload), clock.now)

    publish(KEYFRAME, DELTA)
    before = subscriber.sink.take_rtp()
    subscriber.media.negotiate(subscribing(video=SUBSCRIBER_H264))
    publish(DELTA, KEYFRAME)
    assert subscriber.sink.rtp == []
    clock.now += 1
    publisher.sink.rtcp.clear()
    subscriber.media.negotiate(subscribing())
    assert KeyframeRequest(VIDEO_SSRC) in publisher.sink.messages()
    publish(DELTA, KEYFRAME, DELTA)
    after = subscriber.sink.take_rtp()
    assert [packet.payload for packet in after] == [KEYFRAME, DELTA]
    assert after[0].sequence_number == (before[-1].sequence_number + 1) & 0xFFFF


def test_nothing_goes_out_before_the_keys(clock: Clock, drops: Drops, publisher: Peer) -> None:
    peer = Peer(clock, drops, subscribing(), active=False)
    connect_slot(publisher.media, peer.media, 0)
    publisher.media.receive_rtp(rtp(AUDIO_SSRC, 1, 0, b"voice", 111), clock.now)
    assert peer.sink.rtp == []
    assert publisher.sink.rtcp == []
    peer.media.set_active()
    assert KeyframeRequest(VIDEO_SSRC) in publisher.sink.messages()


def test_a_slot_may_be_connected_before_anything_is_negotiated(clock: Clock, drops: Drops) -> None:
    publisher = Peer(clock, drops, subscribing(ssrc=9000))
    subscriber = Peer(clock, drops, publishing())
    connect_slot(publisher.media, subscriber.media, 0)
    subscriber.media.negotiate(subscribing())
    publisher.media.negotiate(publishing(video_ssrcs=()))
    clock.now += 1
    elements = element(CHROMIUM.mid, b"1")
    publisher.media.receive_rtp(rtp(777, 1, 0, KEYFRAME, elements=elements), clock.now)
    publisher.media.receive_rtp(rtp(777, 2, 3000, DELTA), clock.now)
    assert [packet.payload for packet in subscriber.sink.take_rtp()] == [KEYFRAME, DELTA]


def test_sender_reports_keep_the_publishers_time(clock: Clock, publisher: Peer, subscriber: Peer) -> None:
    ntp = 0x1234_5678_9ABC_DEF0
    publisher.media.receive_rtp(rtp(AUDIO_SSRC, 1, 1000, b"voice", 111), clock.now)
    (packet,) = subscriber.sink.take_rtp()
    publisher.media.receive_rtcp(sender_report(AUDIO_SSRC, ntp, 1480, 1, 5), clock.now)
    (report,) = subscriber.sink.messages()
    assert isinstance(report, SenderReport)
    assert (report.ssrc, report.ntp, report.packets, report.octets) == (5000, ntp, 1, 5)
    assert (report.rtp_timestamp - packet.timestamp) & 0xFFFFFFFF == 480


def test_keyframe_requests_are_one_until_the_keyframe_comes(clock: Clock, publisher: Peer, subscriber: Peer) -> None:
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, KEYFRAME), clock.now)
    clock.now += 1
    publisher.sink.rtcp.clear()
    for _ in range(5):
        subscriber.media.receive_rtcp(picture_loss(1, 5001), clock.now)
    assert publisher.sink.messages() == [KeyframeRequest(VIDEO_SSRC)]
    for _ in range(7):
        clock.now += 0.05
        publisher.media.tick(clock.now)
    requests = [message for message in publisher.sink.messages() if isinstance(message, KeyframeRequest)]
    assert len(requests) == 2
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 2, 3000, KEYFRAME), clock.now)
    publisher.sink.rtcp.clear()
    for _ in range(20):
        clock.now += 0.05
        publisher.media.tick(clock.now)
    assert not [message for message in publisher.sink.messages() if isinstance(message, KeyframeRequest)]


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"", Drop.RTP_MALFORMED),
        (b"\x80" * 11, Drop.RTP_MALFORMED),
        (rtp(AUDIO_SSRC, 1, 0, b"x" * 1489, 111), Drop.RTP_TOO_LONG),
        (rtp(AUDIO_SSRC, 1, 0, b"x" * 1400, 111), Drop.RTP_TOO_LONG),
        (rtp(4242, 1, 0, b"x", 111), Drop.RTP_UNKNOWN_STREAM),
        (rtp(AUDIO_SSRC, 1, 0, b"x", 13), Drop.RTP_UNKNOWN_FORMAT),
        (b"\x40" + rtp(AUDIO_SSRC, 1, 0, b"x", 111)[1:], Drop.RTP_MALFORMED),
        (b"\xb0" + rtp(AUDIO_SSRC, 1, 0, b"xx", 111)[1:], Drop.RTP_MALFORMED),
        (b"\xa0" + rtp(AUDIO_SSRC, 1, 0, b"\x09", 111)[1:], Drop.RTP_MALFORMED),
        (b"\x8f" + rtp(AUDIO_SSRC, 1, 0, b"xx", 111)[1:], Drop.RTP_MALFORMED),
    ],
)
def test_bad_packets_are_counted_drops(
    clock: Clock, drops: Drops, publisher: Peer, subscriber: Peer, packet: bytes, reason: Drop
) -> None:
    publisher.media.receive_rtp(packet, clock.now)
    assert subscriber.sink.rtp == []
    assert drops.counts[reason] == 1
    assert sum(drops.counts) == 1


def test_an_element_cut_short_at_the_end_of_the_packet_is_no_fault(clock: Clock, drops: Drops, publisher: Peer) -> None:
    """transport-cc of one byte instead of two, as the last byte of all."""
    short = b"\0\0" + element(CHROMIUM.transport_cc, b"\x01")
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, b"", elements=short), clock.now)
    assert sum(drops.counts) == 0
    publisher.media.tick(clock.now + 1)
    assert not [packet for packet in publisher.sink.rtcp if packet[1] == 205 and packet[0] & 31 == 15]


def test_an_immense_estimate_can_still_be_told(clock: Clock, subscriber: Peer) -> None:
    word = 1 << 24 | 63 << 18 | 0x3FFFF
    packet = struct.pack("!BBHII4sII", 0x8F, 206, 5, 1, 0, b"REMB", word, 5001)
    subscriber.media.receive_rtcp(packet, clock.now)
    msgspec.msgpack.encode(subscriber.media.statistics())


def test_one_peer_has_a_bounded_number_of_streams(clock: Clock, drops: Drops, publisher: Peer) -> None:
    for ssrc in range(10_000, 10_200):
        clock.now += 3
        publisher.media.receive_rtp(
            rtp(ssrc, 1, 0, KEYFRAME, elements=element(CHROMIUM.mid, b"1")),
            clock.now,
        )
    assert len(publisher.media._incoming.by_ssrc) <= 32
    assert len(publisher.sink.forgotten) > 100


def test_a_limit_of_the_subscriber_reaches_the_publisher(clock: Clock, publisher: Peer, subscriber: Peer) -> None:
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, KEYFRAME), clock.now)
    publisher.media.receive_rtp(rtp(AUDIO_SSRC, 1, 0, b"voice", 111), clock.now)

    def told() -> list[int]:
        publisher.sink.rtcp.clear()
        clock.now += 1
        subscriber.media.tick(clock.now)
        publisher.media.tick(clock.now)
        messages = publisher.sink.messages()
        return [message.bits_per_second for message in messages if isinstance(message, BandwidthEstimate)]

    subscriber.media.receive_rtcp(bandwidth_estimate(1, 1_200_000, [5001]), clock.now)
    assert told() == []
    subscriber.media.receive_rtcp(bandwidth_estimate(1, 800_000, [5001]), clock.now)
    (limit,) = told()
    assert limit == pytest.approx(800_000, rel=0.01)
    subscriber.shows(False)
    (limit,) = told()
    assert limit > 10_000_000


def test_after_close_nothing_happens(clock: Clock, publisher: Peer, subscriber: Peer) -> None:
    publisher.media.close()
    publisher.media.close()
    publisher.media.receive_rtp(rtp(AUDIO_SSRC, 1, 0, b"voice", 111), clock.now)
    publisher.media.tick(clock.now)
    publisher.media.negotiate(publishing())
    subscriber.media.close()
    connect_slot(publisher.media, subscriber.media, 0)
    assert subscriber.sink.rtp == []
