"""Sequence arithmetic, and the rule that one output SSRC and sequence number never carry two contents."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from mediaserver.drops import Drops
from mediaserver.peer_media import connect_slot, disconnect_slot
from mediaserver.rtcp import nack
from mediaserver.rtp import unwrap
from tests.mediaserver.packet_path import (
    DELTA,
    KEYFRAME,
    SUBSCRIBER_H264,
    SUBSCRIBER_VP8,
    VIDEO_SSRC,
    Clock,
    Peer,
    publishing,
    rtp,
    subscribing,
)


@given(near=st.integers(0x8000, 1 << 48), distance=st.integers(-0x8000, 0x7FFF))
def test_unwrap_finds_the_nearest_index(near: int, distance: int) -> None:
    assert unwrap((near + distance) & 0xFFFF, near) == near + distance


# Mostly packets, of these mostly in order: where every step disturbs, nothing flows long enough to go wrong.
_steps = st.tuples(
    st.sampled_from(
        ["packet"] * 24
        + ["nack"] * 4
        + ["show", "show", "hide", "connect", "connect", "disconnect", "restart", "formats", "formats", "tick"]
    ),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([0] * 8 + [-17, -6, -3, -2, -1, 1, 2, 5]),
    st.integers(0, 5),
)


@given(
    starts=st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)),
    # Without a least size most lists would be too short.
    steps=st.lists(_steps, min_size=60, max_size=120),
)
def test_one_ssrc_and_sequence_number_never_carry_two_contents(
    starts: tuple[int, int], steps: list[tuple[str, int, int, int]]
) -> None:
    """Packets reordered, repeated and lost; retransmissions, hiding, other publishers and formats: in any order."""
    clock, drops = Clock(), Drops()
    publishers = [Peer(clock, drops, publishing()) for _ in starts]
    subscriber = Peer(clock, drops, subscribing())
    connect_slot(publishers[0].media, subscriber.media, 0)
    position = list(starts)
    for action, which, distance, key in steps:
        clock.now += 0.007
        if action == "packet":
            position[which] += 1
            sequence = (position[which] + distance) & 0xFFFF
            payload = (KEYFRAME if key == 0 else DELTA) + struct.pack("!BH", which, sequence)
            publishers[which].media.receive_rtp(rtp(VIDEO_SSRC, sequence, sequence * 3000, payload), clock.now)
        elif action == "nack":
            sent = [struct.unpack_from("!H", packet, 2)[0] for packet in subscriber.sink.rtp]
            if sent:
                subscriber.media.receive_rtcp(nack(1, 5001, [(sent[-1] + distance) & 0xFFFF]), clock.now)
        elif action in ("show", "hide"):
            subscriber.shows(action == "show")
        elif action == "connect":
            connect_slot(publishers[which].media, subscriber.media, 0)
        elif action == "disconnect":
            disconnect_slot(subscriber.media, 0)
        elif action == "restart":
            publishers[which].media.negotiate(publishing(((VIDEO_SSRC + 10 * which, 0),)))
            publishers[which].media.negotiate(publishing())
        elif action == "formats":
            subscriber.media.negotiate(subscribing(video=(SUBSCRIBER_H264, SUBSCRIBER_VP8)[which]))
        else:
            subscriber.media.tick(clock.now)
    assert all(packet[0] >> 6 == 2 for packet in subscriber.sink.rtp)
    numbers = [packet[2:4] + packet[8:12] for packet in subscriber.sink.rtp]
    assert len(numbers) == len(set(numbers))


def test_sections_that_went_leave_their_counts_and_an_ssrc_is_never_begun_anew() -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    for turn in range(50):
        clock.now += 1
        subscriber.media.negotiate(subscribing(ssrc=5000 + 10 * turn))
        publisher.media.receive_rtp(rtp(VIDEO_SSRC, turn, turn * 3000, KEYFRAME), clock.now)
    assert len(subscriber.media._subscriptions) == 2
    assert subscriber.media.statistics()["packets_sent"] == 50
    assert subscriber.media.sent_on(0) == (0, 50)
    sent = {packet.ssrc for packet in subscriber.sink.take_rtp()}
    assert sent == {5001 + 10 * turn for turn in range(50)}
    clock.now += 1
    subscriber.media.negotiate(subscribing(ssrc=5000))
    publisher.media.receive_rtp(rtp(VIDEO_SSRC, 50, 50 * 3000, KEYFRAME), clock.now)
    assert subscriber.sink.take_rtp() == []


@given(start=st.integers(0, 0xFFFF), lost=st.sets(st.integers(1, 299)))
def test_true_losses_stay_visible_over_wraparound(start: int, lost: set[int]) -> None:
    clock, drops = Clock(), Drops()
    publisher, subscriber = Peer(clock, drops, publishing()), Peer(clock, drops, subscribing())
    connect_slot(publisher.media, subscriber.media, 0)
    kept = [number for number in range(300) if number not in lost]
    for number in kept:
        clock.now += 0.01
        publisher.media.receive_rtp(
            rtp(VIDEO_SSRC, start + number, number * 3000, DELTA if number else KEYFRAME), clock.now
        )
    packets = subscriber.sink.take_rtp()
    first = packets[0].sequence_number
    assert [(packet.sequence_number - first) & 0xFFFF for packet in packets] == kept
    assert [packet.timestamp for packet in packets] == [number * 3000 for number in kept]
