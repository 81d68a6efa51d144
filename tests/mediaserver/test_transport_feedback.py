"""transport-cc feedback, framed as aiortc reads it and decoded here by the draft's own description."""

import struct

import pytest
from aiortc.rtp import RtcpPacket, RtcpRtpfbPacket
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.drops import Drop, Drops
from mediaserver.transport_feedback import TransportFeedback


def decode(packet: bytes) -> tuple[int, dict[int, float]]:
    """Statuses described, and arrival in seconds by 16-bit sequence."""
    (framed,) = RtcpPacket.parse(packet)
    assert isinstance(framed, RtcpRtpfbPacket)
    assert (framed.fmt, framed.ssrc, framed.media_ssrc) == (15, 1, 2)
    base, count, reference, _ = struct.unpack_from("!HHIB", packet, 12)
    time = (reference >> 8) * 0.064
    at = 20
    symbols: list[int] = []
    while len(symbols) < count:
        (chunk,) = struct.unpack_from("!H", packet, at)
        at += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    arrivals = {}
    for number, symbol in enumerate(symbols[:count]):
        if symbol == 1:
            time += packet[at] * 0.00025
            at += 1
        elif symbol == 2:
            time += struct.unpack_from("!h", packet, at)[0] * 0.00025
            at += 2
        else:
            assert symbol == 0
            continue
        arrivals[(base + number) & 0xFFFF] = time
    assert all(symbol == 0 for symbol in symbols[count:])
    assert 0 <= len(packet) - at < 4
    return count, arrivals


@given(
    start=st.integers(0, 0xFFFF),
    steps=st.lists(st.tuples(st.integers(1, 30), st.integers(-4000, 4000)), min_size=1, max_size=60),
)
def test_every_arrival_is_told_once(start: int, steps: list[tuple[int, int]]) -> None:
    feedback = TransportFeedback(Drops())
    index, time = start, 5000.0
    sent: dict[int, float] = {}
    told: dict[int, float] = {}

    def tell() -> None:
        while feedback.arrivals:
            packet = feedback.build(time, 1, 2)
            if packet:
                told.update(decode(packet)[1])

    for number, (step, milliseconds) in enumerate(steps):
        index += step
        time += milliseconds / 1000
        sent[index & 0xFFFF] = feedback.arrivals[index & 0xFFFF] = time
        if number % 20 == 19:
            tell()
    tell()
    assert told.keys() == sent.keys()
    for sequence, arrival in told.items():
        assert arrival == pytest.approx(sent[sequence], abs=0.001)


def test_losses_between_two_feedbacks_are_told() -> None:
    feedback = TransportFeedback(Drops())
    feedback.arrivals.update({10: 1.0, 11: 1.001})
    assert decode(feedback.build(1.1, 1, 2))[0] == 2
    feedback.arrivals.update({15: 1.11})
    count, arrivals = decode(feedback.build(1.2, 1, 2))
    assert count == 4
    assert arrivals.keys() == {15}


def test_a_late_packet_is_not_told_again_and_a_leap_is_survived() -> None:
    feedback = TransportFeedback(Drops())
    feedback.arrivals.update({10: 1.0, 12: 1.001})
    feedback.build(1.1, 1, 2)
    feedback.arrivals.update({11: 1.2})
    assert feedback.build(1.3, 1, 2) == b""
    feedback.arrivals.update({30000: 1.4})
    count, arrivals = decode(feedback.build(1.5, 1, 2))
    assert (count, list(arrivals)) == (1, [30000])


def test_feedback_waits_for_its_interval() -> None:
    feedback = TransportFeedback(Drops())
    assert not feedback.due(1.0)
    feedback.arrivals[1] = 1.0
    assert feedback.due(1.0)
    feedback.build(1.0, 1, 2)
    feedback.arrivals[2] = 1.01
    assert not feedback.due(1.05)
    assert feedback.due(1.1)


def test_numbers_strewn_at_random_are_not_kept() -> None:
    drops = Drops()
    feedback = TransportFeedback(drops)
    feedback.arrivals[0] = 1.0
    feedback.build(1.0, 1, 2)
    feedback.arrivals.update((sequence, 1.1) for sequence in range(1, 32_000, 7))
    assert feedback.build(1.1, 1, 2)
    assert not feedback.arrivals
    assert drops.counts[Drop.ARRIVAL_NOT_TOLD] > 4_000
