"""RTCP against aiortc's reader and writer, and against garbage."""

import struct
from contextlib import suppress

import pytest
from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    pack_remb_fci,
    unpack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.drops import Drop, Drops
from mediaserver.peer_media import connect_slot
from mediaserver.rtcp import (
    MAXIMUM_NACKED,
    BandwidthEstimate,
    KeyframeRequest,
    MalformedRtcp,
    Nack,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    bandwidth_estimate,
    nack,
    parse,
    picture_loss,
    receiver_report,
    sender_report,
    source_description,
)
from tests.mediaserver.packet_path import (
    AUDIO_SSRC,
    DELTA,
    KEYFRAME,
    VIDEO_SSRC,
    Clock,
    Peer,
    publishing,
    rtp,
    subscribing,
)

U32 = st.integers(0, 0xFFFFFFFF)
BLOCK = ReportBlock(7, 128, -3, 70000, 11, 0x12345678, 65536)


def test_what_we_write_aiortc_reads() -> None:
    packet = (
        sender_report(1, 0x0123456789ABCDEF, 90000, 5, 6)
        + source_description(1, b"slot-0")
        + receiver_report(2, [BLOCK])
        + picture_loss(3, 4)
        + bandwidth_estimate(5, 1_234_567, [6, 7])
    )
    report, description, received, loss, estimate = RtcpPacket.parse(packet)
    assert isinstance(report, RtcpSrPacket)
    assert report.sender_info == RtcpSenderInfo(0x0123456789ABCDEF, 90000, 5, 6)
    assert isinstance(description, RtcpSdesPacket)
    assert description.chunks[0].items == [(1, b"slot-0")]
    assert isinstance(received, RtcpRrPacket)
    assert received.reports == [RtcpReceiverInfo(7, 128, -3, 70000, 11, 0x12345678, 65536)]
    assert loss == RtcpPsfbPacket(fmt=1, ssrc=3, media_ssrc=4)
    assert isinstance(estimate, RtcpPsfbPacket)
    bits, ssrcs = unpack_remb_fci(estimate.fci)
    assert ssrcs == [6, 7]
    assert bits == pytest.approx(1_234_567, rel=1e-4)


def test_what_aiortc_writes_we_read() -> None:
    block = RtcpReceiverInfo(7, 128, -3, 70000, 11, 0x12345678, 65536)
    packet = b"".join(
        bytes(part)
        for part in (
            RtcpSrPacket(1, RtcpSenderInfo(2, 3, 4, 5), [block]),
            RtcpRrPacket(1, [block, block]),
            RtcpRtpfbPacket(1, 1, 9, [10, 11, 26, 40]),
            RtcpPsfbPacket(1, 1, 9),
            RtcpPsfbPacket(4, 1, 0, b"\0\0\0\x0a\x01\0\0\0"),
            RtcpPsfbPacket(15, 1, 0, pack_remb_fci(640_000, [9])),
        )
    )
    assert parse(packet) == [
        SenderReport(1, 2, 3, 4, 5, (BLOCK,)),
        ReceiverReport(1, (BLOCK, BLOCK)),
        Nack(9, (10, 11, 26, 40)),
        KeyframeRequest(9),
        KeyframeRequest(10),
        BandwidthEstimate(640_000),
    ]


@given(start=st.integers(0, 0xFFFF), steps=st.lists(st.integers(1, 200), min_size=1, max_size=60))
def test_nacks_survive_the_trip(start: int, steps: list[int]) -> None:
    sequences, at = [], start
    for step in steps:
        sequences.append(at & 0xFFFF)
        at += step
    assert parse(nack(1, 2, sequences)) == [Nack(2, tuple(sequences))]


def test_a_datagram_can_ask_for_so_many_packets_and_the_rest_is_counted() -> None:
    item = struct.pack("!HH", 100, 0xFFFF)
    body = struct.pack("!II", 1, 2) + item * 31
    packet = struct.pack("!BBH", 0x81, 205, len(body) // 4) + body
    first, second = parse(packet * 2)
    assert isinstance(first, Nack)
    assert isinstance(second, Nack)
    assert (len(first.sequences), first.left_out) == (MAXIMUM_NACKED, 31 * 17 - MAXIMUM_NACKED)
    assert (second.sequences, second.left_out) == ((), 31 * 17)


@given(st.binary(max_size=200))
def test_garbage_is_malformed_or_read(packet: bytes) -> None:
    with suppress(MalformedRtcp):
        parse(packet)


_headers = st.tuples(
    st.integers(0x80, 0xBF), st.sampled_from([200, 201, 202, 203, 205, 206, 207]), st.binary(max_size=80)
).map(lambda parts: bytes([parts[0], parts[1]]) + (len(parts[2]) // 4).to_bytes(2, "big") + parts[2])


@given(st.lists(_headers, min_size=1, max_size=4))
def test_no_exception_leaves_a_peer(parts: list[bytes]) -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, KEYFRAME), clock.now)
    for packet in (*parts, b"".join(parts), b"".join(parts) * 30):
        subscriber.media.receive_rtcp(packet, clock.now)
        publisher.media.receive_rtcp(packet, clock.now)
    publisher.media.tick(clock.now)
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 2, 0, DELTA), clock.now)
    assert subscriber.sink.take_rtp()[-1].payload == DELTA


@given(st.binary(max_size=60))
def test_no_rtp_exception_leaves_a_peer(tail: bytes) -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    for head in (rtp(VIDEO_SSRC, 1, 0, b""), rtp(2002, 1, 0, b"", 97), rtp(31, 1, 0, b"")):
        for flags in (0x80, 0x90, 0xB2, 0xA0):
            publisher.media.receive_rtp(bytes([flags]) + head[1:] + tail, clock.now)
    publisher.media.receive_rtp(tail, clock.now)


def test_oversize_is_dropped() -> None:
    drops = Drops()
    peer = Peer(Clock(), drops, publishing())
    peer.media.receive_rtcp(bytes(1501), 0)
    peer.media.receive_rtcp(b"\x80", 0)
    assert drops.counts[Drop.RTCP_TOO_LONG] == 1
    assert drops.counts[Drop.RTCP_MALFORMED] == 1


def test_reports_to_the_publisher_count_losses_and_carry_the_worst_subscribers() -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    publisher.media.tick(clock.now)
    for number in range(100):
        clock.now += 0.02
        if number % 10 or number < 10:
            publisher.media.receive_rtp(rtp(AUDIO_SSRC, 65500 + number, number * 960, b"voice", 111), clock.now)
    publisher.media.receive_rtcp(sender_report(AUDIO_SSRC, 0xAAAA_BBBB_CCCC_DDDD, 0, 1, 1), clock.now)
    clock.now += 1
    publisher.media.tick(clock.now)
    (report,) = [message for message in publisher.sink.messages() if isinstance(message, ReceiverReport)]
    (block,) = report.blocks
    assert (block.ssrc, block.packets_lost, block.highest_sequence) == (AUDIO_SSRC, 9, 65599)
    assert block.fraction_lost == 9 * 256 // 100
    assert (block.last_sender_report, block.delay_since_last) == (0xBBBB_CCCC, 65536)
    publisher.sink.rtcp.clear()
    subscriber.media.receive_rtcp(receiver_report(9, [ReportBlock(5000, 77, 1, 1, 1, 0, 0)]), clock.now)
    clock.now += 1
    publisher.media.receive_rtp(rtp(AUDIO_SSRC, 65600, 96000, b"voice", 111), clock.now)
    publisher.media.tick(clock.now)
    (report,) = [message for message in publisher.sink.messages() if isinstance(message, ReceiverReport)]
    assert report.blocks[0].fraction_lost == 77


def test_a_sender_report_that_is_repeated_spoils_no_subscribers_round_trip() -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, KEYFRAME), clock.now)
    before = subscriber.media.statistics()["round_trip_ms"]
    for ntp, seconds in ((7 << 32, 1.0), (7 << 32, 0.02)):
        publisher.media.receive_rtcp(sender_report(VIDEO_SSRC, ntp, 1, 1, 1), clock.now)
        clock.now += seconds
    for delay in (1.0, 0.0):
        block = ReportBlock(5001, 0, 0, 70_000, 0, (7 << 32) >> 16 & 0xFFFFFFFF, int(delay * 65536))
        subscriber.media.receive_rtcp(receiver_report(9, [block]), clock.now)
    assert subscriber.media.statistics()["round_trip_ms"] == before


def test_round_trip_is_measured_on_our_sender_reports() -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    publisher.media.receive_rtp(rtp(AUDIO_SSRC, 1, 0, b"voice", 111), clock.now)
    publisher.media.receive_rtcp(sender_report(AUDIO_SSRC, 0x1111_2222_3333_4444, 0, 1, 1), clock.now)
    clock.now += 0.5
    block = ReportBlock(5000, 0, 0, 1, 0, 0x2222_3333, int(0.42 * 65536))
    subscriber.media.receive_rtcp(receiver_report(9, [block]), clock.now)
    assert subscriber.media.statistics()["round_trip_ms"] == 80
