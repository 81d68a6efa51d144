"""A lossy link on both sides is repaired by NACK and RTX; aiortc's parser and unwrapping read the result."""

import random

from aiortc.rtp import unwrap_rtx

from mediaserver.drops import Drop, Drops
from mediaserver.dtls import REPLAY_WINDOW
from mediaserver.incoming import _RING_SIZES
from mediaserver.packet_ring import PacketRing
from mediaserver.peer_media import connect_slot
from mediaserver.rtcp import KeyframeRequest, Nack, nack
from tests.mediaserver.packet_path import (
    DELTA,
    KEYFRAME,
    RTX_SSRC,
    VIDEO_SSRC,
    Clock,
    Peer,
    publishing,
    rtp,
    subscribing,
)

PACKETS = 400


def _payload(number: int) -> bytes:
    return (DELTA if number else KEYFRAME) + number.to_bytes(2, "big") * 40


def _number(payload: bytes) -> int:
    return int.from_bytes(payload[-2:], "big")


def _publisher_rtx(number: int, rtx_sequence: int) -> bytes:
    original = (number + 65400) & 0xFFFF
    return rtp(RTX_SSRC, rtx_sequence, number * 3000, original.to_bytes(2, "big") + _payload(number), 97)


class LossyCall:
    """One publisher and one subscriber; each packet of each leg is lost with a chance of 10 %."""

    def __init__(self) -> None:
        self._chance = random.Random(11)
        self._rtx_sequence = 100
        self.clock, self.drops = Clock(), Drops()
        self.publisher = Peer(self.clock, self.drops, publishing())
        self.subscriber = Peer(self.clock, self.drops, subscribing())
        connect_slot(self.publisher.media, self.subscriber.media, 0)
        self.received: dict[int, bytes] = {}

    def _lost(self) -> bool:
        return self._chance.random() < 0.1

    def publish(self, number: int) -> None:
        if number in (0, PACKETS - 1) or not self._lost():
            packet = rtp(VIDEO_SSRC, number + 65400, number * 3000, _payload(number))
            self.publisher.media.receive_rtp(packet, self.clock.now)

    def answer_requests(self) -> None:
        requests = [message for message in self.publisher.sink.messages() if isinstance(message, Nack)]
        self.publisher.sink.rtcp.clear()
        for sequence in [sequence for request in requests for sequence in request.sequences]:
            self._rtx_sequence += 1
            if not self._lost():
                packet = _publisher_rtx((sequence - 65400) & 0xFFFF, self._rtx_sequence)
                self.publisher.media.receive_rtp(packet, self.clock.now)

    def read(self) -> None:
        for packet in self.subscriber.sink.take_rtp():
            if packet.ssrc == 5002:
                assert packet.payload_type == 124
                packet = unwrap_rtx(packet, payload_type=120, ssrc=5001)
            assert packet.ssrc == 5001
            if not self._lost():
                self.received[packet.sequence_number] = packet.payload

    def request_missing(self) -> None:
        first = min(self.received, key=lambda sequence: _number(self.received[sequence]))
        span = max((sequence - first) & 0xFFFF for sequence in self.received)
        everything = [(first + distance) & 0xFFFF for distance in range(span)]
        missing = [sequence for sequence in everything if sequence not in self.received]
        if missing:
            self.subscriber.media.receive_rtcp(nack(1, 5001, missing), self.clock.now)


def test_nack_and_rtx_repair_a_lossy_link() -> None:
    call = LossyCall()
    for number in range(PACKETS + 60):
        call.clock.now += 0.01
        if number < PACKETS:
            call.publish(number)
        if number % 5 == 0:
            call.publisher.media.tick(call.clock.now)
            call.subscriber.media.tick(call.clock.now)
        call.answer_requests()
        call.read()
        if number % 5 == 0:
            call.request_missing()

    numbers = sorted(_number(payload) for payload in call.received.values())
    assert numbers[0] <= 2
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert numbers[-1] >= PACKETS - 2
    assert call.subscriber.media.statistics()["packets_retransmitted"] > 20
    assert call.publisher.media.statistics()["packets_recovered"] > 20
    assert call.drops.counts[Drop.RTX_UNUSABLE] == 0


def test_a_gap_is_asked_for_at_once_again_and_then_given_up() -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, KEYFRAME), clock.now)
    publisher.sink.rtcp.clear()
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 3, 0, DELTA), clock.now)
    assert publisher.sink.messages() == [Nack(VIDEO_SSRC, (2,))]
    for _ in range(100):
        clock.now += 0.05
        publisher.media.tick(clock.now)
    requests = [message for message in publisher.sink.messages() if isinstance(message, Nack)]
    assert len(requests) == 10
    assert publisher.media.statistics()["packets_given_up"] == 1


def test_a_long_gap_is_repaired_by_a_keyframe() -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, KEYFRAME), clock.now)
    publisher.sink.rtcp.clear()
    clock.now += 1
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 5000, 0, DELTA), clock.now)
    assert publisher.sink.messages() == [KeyframeRequest(VIDEO_SSRC)]


def test_requests_for_unknown_or_repeated_packets_cost_nothing() -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 1, 0, KEYFRAME), clock.now)
    sequence = subscriber.sink.take_rtp()[0].sequence_number
    for _ in range(50):
        subscriber.media.receive_rtcp(nack(1, 5001, [sequence, (sequence + 9) & 0xFFFF]), clock.now)
    assert len(subscriber.sink.rtp) == 1
    assert drops.counts[Drop.RETRANSMISSION_TOO_OFTEN] == 49
    assert drops.counts[Drop.RETRANSMISSION_UNKNOWN] == 50


def test_padding_on_the_repair_stream_is_no_packet() -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    probe = rtp(RTX_SSRC, 1, 0, bytes(99) + b"\x64", 97)
    publisher.media.receive_rtp(bytes([probe[0] | 0x20]) + probe[1:], clock.now)
    assert subscriber.sink.rtp == []
    assert sum(drops.counts) == 0


def test_the_same_packet_by_both_ways_goes_out_once() -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    for number in (0, 2):
        publisher.media.receive_rtp(rtp(VIDEO_SSRC, number + 65400, number * 3000, _payload(number)), clock.now)
    publisher.media.receive_rtp(_publisher_rtx(1, 7), clock.now)
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 65401, 3000, _payload(1)), clock.now)
    assert len(subscriber.sink.rtp) == 3
    assert drops.counts[Drop.RTP_DUPLICATE] == 1


def test_a_repair_of_what_was_never_heard_is_refused() -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    publisher.media.receive_rtp(_publisher_rtx(1, 7), clock.now)
    assert subscriber.sink.rtp == []
    assert drops.counts[Drop.RTX_UNUSABLE] == 1
    assert publisher.sink.accepted == [RTX_SSRC], "SRTP knows no other source"


def test_numbers_of_long_ago_are_not_those_of_today() -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    for number in range(10):
        publisher.media.receive_rtp(rtp(VIDEO_SSRC, number, number * 3000, _payload(number)), clock.now)
    sequences = [packet.sequence_number for packet in subscriber.sink.take_rtp()]
    subscriber.shows(False)
    for number in range(10, 0x10000 + 10):
        publisher.media.receive_rtp(rtp(VIDEO_SSRC, number, number * 3000, _payload(1)), clock.now)
    clock.now += 5
    subscriber.media.receive_rtcp(nack(1, 5001, sequences), clock.now)
    assert subscriber.sink.rtp == []
    assert drops.counts[Drop.RETRANSMISSION_UNKNOWN] == len(sequences)


def test_a_slot_whose_packet_is_lost_holds_no_older_one() -> None:
    ring = PacketRing(8)
    for index in range(8):
        ring.packets[index & ring.mask] = rtp(1, index, 0, b"x")
    ring.miss(range(8, 10))
    assert [ring.holds(index) for index in range(2, 10)] == [True] * 6 + [False] * 2
    assert ring.packets[0] == ring.packets[1] == b""
    ring.miss(range(10, 10 + 3 * 8))
    assert ring.packets == [b""] * 8


def test_whatever_is_kept_may_still_go_out() -> None:
    """libsrtp refuses to encrypt what is further behind than its window."""
    assert max(_RING_SIZES.values()) <= REPLAY_WINDOW
