"""Sequence arithmetic, and the rule that one output SSRC and sequence number never carry two contents."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from mediaserver.drops import Drops
from mediaserver.peer_media import connect_slot, disconnect_slot
from mediaserver.rtcp import nack
from mediaserver.rtp import unwrap
from tests.mediaserver.packet_path import DELTA, KEYFRAME, VIDEO_SSRC, Clock, Peer, publishing, rtp, subscribing


@given(near=st.integers(0x8000, 1 << 48), distance=st.integers(-0x8000, 0x7FFF))
def test_unwrap_finds_the_nearest_index(near: int, distance: int) -> None:
    assert unwrap((near + distance) & 0xFFFF, near) == near + distance


_packet = st.tuples(st.just("packet"), st.integers(0, 1), st.integers(-20, 20), st.integers(0, 9))
_nack = st.tuples(st.just("nack"), st.integers(0, 40), st.integers(0, 0), st.integers(0, 0))
_other = st.tuples(
    st.sampled_from(["show", "hide", "connect", "disconnect", "restart", "tick"]),
    st.integers(0, 1),
    st.integers(0, 0),
    st.integers(0, 0),
)


@given(
    starts=st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)),
    steps=st.lists(st.one_of(_packet, _packet, _packet, _nack, _other), max_size=120),
)
def test_one_ssrc_and_sequence_number_never_carry_two_contents(
    starts: tuple[int, int], steps: list[tuple[str, int, int, int]]
) -> None:
    """Reordered, repeated and lost packets, retransmissions, hiding, publishers that change: in any order."""
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
                subscriber.media.receive_rtcp(nack(1, 5001, [(sent[-1] - which) & 0xFFFF]), clock.now)
        elif action in ("show", "hide"):
            subscriber.media.receive_video(action == "show")
        elif action == "connect":
            connect_slot(publishers[which].media, subscriber.media, 0)
        elif action == "disconnect":
            disconnect_slot(subscriber.media, 0)
        elif action == "restart":
            publishers[which].media.negotiate(publishing(((VIDEO_SSRC + 10 * which, 0),)))
            publishers[which].media.negotiate(publishing())
        else:
            subscriber.media.tick(clock.now)
    numbers = [packet[2:4] + packet[8:12] for packet in subscriber.sink.rtp]
    assert len(numbers) == len(set(numbers))


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
