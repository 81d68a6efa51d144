"""Simulcast: learning layers, switching between them, leaving temporal layers out."""

import itertools

import pytest

from mediaserver.drops import Drop
from mediaserver.rtcp import SenderReport, bandwidth_estimate, nack
from tests.mediaserver.packet_path import element, rtp
from tests.mediaserver.simulcast import (
    FRAME_TICKS,
    IDS,
    REPAIR_SSRCS,
    SSRCS,
    Layer,
    Stage,
    assert_continuous,
    pictures,
)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_the_highest_layer_comes_as_it_is(stage: Stage) -> None:
    stage.frame(key=(0, 1, 2))
    stage.choose(2)
    stage.frames(2)
    stage.frame(key=(2,))
    stage.frames(4)
    assert stage.seen()[-1].layer == 2
    lonely = Stage()
    lonely.publisher.media.want_layers(frozenset({2}))
    lonely.frame((2,), key=(2,))
    lonely.frames(5, (2,))
    assert not lonely.subscription.is_shaped
    assert [each.picture for each in lonely.seen()] == list(range(20_001, 20_007))


def test_a_switch_waits_for_a_keyframe_and_leaves_no_mark(stage: Stage) -> None:
    stage.choose(0)
    stage.frame(key=(0, 1, 2))
    stage.frames(5)
    stage.asked()
    stage.choose(2)
    assert stage.asked() == {2}
    stage.frames(3)
    stage.frame(key=(2,))
    stage.frames(9)
    stage.choose(1)
    stage.frames(2)
    stage.frame(key=(1,))
    stage.frames(6)
    packets = stage.subscriber.sink.take_rtp()
    first = packets[0].sequence_number
    assert [(each.sequence_number - first) & 0xFFFF for each in packets] == list(range(len(packets)))
    seen = pictures(packets)
    assert_continuous(seen)
    assert [each.layer for each in seen] == [0] * 10 + [2] * 12 + [1] * 7
    assert all(each.parts == [0, 1] for each in seen)


def test_who_goes_back_to_the_first_layer_is_plain_again(stage: Stage) -> None:
    stage.publisher.media.want_layers(frozenset({0, 2}))
    stage.frame((2,), key=(2,))
    stage.frame()
    for target, order in ((0, (0, 2)), (2, (2, 0))):
        stage.choose(target)
        # The one that is switched to comes first, so that no moment is shown twice.
        stage.frame(order, key=(0, 2))
        stage.frames(3)
        assert stage.subscription.is_shaped is (target == 0)
    stage.frames(6)
    assert_continuous(stage.seen())


def test_time_is_laid_over_by_sender_reports(stage: Stage) -> None:
    stage.choose(0)
    stage.frame(key=(0, 1, 2))
    stage.frames(3)
    for number in range(3):
        stage.report(number)
    stage.choose(2)
    # Later by a network's mood than it is by the camera's clock.
    stage.clock.now += 0.02
    stage.frame(key=(2,))
    stage.subscriber.sink.rtcp.clear()
    stage.frame()
    stage.report(2)
    seen = stage.seen()
    assert_continuous(seen)
    ticks = {(after.timestamp - before.timestamp) & 0xFFFFFFFF for before, after in itertools.pairwise(seen)}
    # Layer 0's picture of the moment of the switch went out before: time stands still for a tick, and is caught up.
    assert ticks <= {FRAME_TICKS, 1}
    [told] = [each for each in stage.subscriber.sink.messages() if isinstance(each, SenderReport) and each.ssrc == 5001]
    assert told.rtp_timestamp == seen[-1].timestamp
    assert told.ntp == int(stage.moment / 30 * (1 << 32)) + (77 << 32)


def test_a_layer_that_falls_silent_is_left_at_once(stage: Stage) -> None:
    stage.choose(2)
    stage.frame((2,), key=(2,))
    stage.frames(5)
    stage.asked()
    stage.frames(19, (0, 1))
    assert stage.asked() == {1}
    stage.frame((0, 1), key=(1,))
    stage.frames(2, (0, 1))
    stage.frame(key=(2,))
    stage.frames(2)
    seen = stage.seen()
    assert_continuous(seen)
    assert [each.layer for each in seen][-5:] == [1, 1, 1, 2, 2] or seen[-1].layer in (1, 2)
    assert 1 in {each.layer for each in seen}


def test_all_silent_is_no_reason_to_go(stage: Stage) -> None:
    stage.choose(2)
    stage.frame(key=(2,))
    stage.asked()
    stage.clock.now += 5
    stage.publisher.media.tick(stage.clock.now)
    stage.frame()
    stage.frame()
    assert [each.layer for each in stage.seen()] == [2, 2, 2]


def test_layers_about_to_stop_are_left_before(stage: Stage) -> None:
    stage.choose(0)
    stage.frame(key=(0, 1, 2))
    stage.asked()
    stage.publisher.media.want_layers(frozenset({2}))
    assert stage.asked() == {2}
    stage.frame()
    stage.frame(key=(2,))
    assert [each.layer for each in stage.seen()] == [0, 0, 0, 2]


def test_temporal_layers_are_left_out_at_once_and_come_back_with_a_sync_picture(stage: Stage) -> None:
    stage.measured().choose(2)
    stage.frame((2,), key=(2,))
    stage.frames(3, (2,))
    stage.choose(2, temporal=0)
    stage.frames(8, (2,))
    stage.choose(2, temporal=1)
    stage.frames(8, (2,))
    stage.choose(2, temporal=2)
    stage.frames(9, (2,))
    packets = stage.subscriber.sink.take_rtp()
    first = packets[0].sequence_number
    assert [(each.sequence_number - first) & 0xFFFF for each in packets] == list(range(len(packets)))
    seen = pictures(packets)
    assert_continuous(seen)
    kept = [each.temporal for each in seen]
    assert kept == [0, 2, 1, 2, 0, 0, 0, 1, 0, 1, 0, 2, 1, 2, 0, 2, 1, 2, 0]


def test_nothing_of_ours_is_missed_and_what_is_missed_is_found_again(stage: Stage) -> None:
    """The subscriber asks for everything again, over switches and pictures left out: each comes as it was."""
    stage.measured().choose(0)
    stage.frame(key=(0, 1, 2))
    stage.frames(3)
    stage.choose(2, temporal=1)
    stage.frame(key=(2,))
    stage.frames(6)
    stage.choose(1)
    stage.frame(key=(1,))
    stage.frames(3)
    sent = [packet for packet in stage.subscriber.sink.take_rtp() if packet.ssrc == 5001]
    stage.clock.now += 1
    stage.subscriber.media.receive_rtcp(nack(1, 5001, [each.sequence_number for each in sent]), stage.clock.now)
    again = stage.subscriber.sink.take_rtp()
    assert {each.ssrc for each in again} == {5002}
    assert [int.from_bytes(each.payload[:2], "big") for each in again] == [each.sequence_number for each in sent]
    assert [each.payload[2:] for each in again] == [each.payload for each in sent]
    assert [each.timestamp for each in again] == [each.timestamp for each in sent]


def test_on_a_full_link_only_what_the_decoder_waits_for_is_sent_again(stage: Stage) -> None:
    """What it holds is for the keyframe of the lower layer, not for pictures that are past."""
    stage.choose(2)
    stage.frame(key=(2,))
    stage.frames(3)
    for estimate in (2_000_000, 400_000):
        told = bandwidth_estimate(1, estimate, [5001])
        stage.subscriber.media.receive_rtcp(told, stage.clock.now)
    stage.choose(0)
    stage.frame(key=(0,))
    stage.frames(2)
    sent = [packet for packet in stage.subscriber.sink.take_rtp() if packet.ssrc == 5001]
    key = next(number for number, packet in enumerate(sent) if pictures([packet])[0].layer == 0)
    stage.clock.now += 1
    stage.subscriber.media.receive_rtcp(nack(1, 5001, [each.sequence_number for each in sent]), stage.clock.now)
    again = stage.subscriber.sink.take_rtp()
    assert 0 < key < len(sent)
    assert [each.payload[2:] for each in again] == [each.payload for each in sent[key:]]
    assert stage.drops.counts[Drop.RETRANSMISSION_OUTDATED] == key


def test_what_should_be_left_out_and_comes_late_fills_its_number(stage: Stage) -> None:
    stage.measured().choose(2, temporal=0)
    stage.frame((2,), key=(2,))
    layer = stage.layers[2]
    left_out, kept = layer.frame(stage.moment + 1), layer.frame(stage.moment + 2, packets=1)
    stage.receive(left_out[0])
    stage.receive(kept[0])
    lowest: list[bytes] = []
    while not lowest:
        made = layer.frame(stage.moment + 3, packets=1)
        lowest = made if layer.since_key % 4 == 0 else []
        if not lowest:
            stage.receive(made[0])
    stage.receive(lowest[0])
    before = stage.subscriber.sink.take_rtp()
    stage.receive(left_out[1])
    [padding] = stage.subscriber.sink.take_rtp()
    assert padding.payload == b""
    missing = {(before[0].sequence_number + step) & 0xFFFF for step in range(len(before) + 1)}
    assert missing - {each.sequence_number for each in before} == {padding.sequence_number}
    assert_continuous(pictures(before))


def test_layers_are_learnt_by_rid_and_kept(stage: Stage) -> None:
    stage.choose(0)
    stage.frame(key=(0, 1, 2))
    bare = stage.layers[0].frame(2, packets=1)[0]
    lost = stage.layers[0].frame(2, packets=1)[0]
    late = stage.layers[0].frame(3, packets=1)[0]
    stage.receive(bare)
    stage.receive(late)
    stage.receive(stage.layers[0].repair(lost, 9))
    assert REPAIR_SSRCS[0] in stage.publisher.media._incoming.by_ssrc
    assert len(stage.seen()) == 4
    assert stage.publisher.media.statistics()["packets_recovered"] == 1


def test_a_layer_that_was_not_offered_is_a_counted_drop(stage: Stage) -> None:
    elements = element(IDS.mid, b"1") + element(IDS.rid, b"x")
    stage.receive(rtp(9001, 1, 0, b"\x90\x80\x01\x00", elements=elements))
    stage.receive(rtp(9002, 1, 0, b"\x90\x80\x01\x00", elements=element(IDS.mid, b"1")))
    assert stage.drops.counts[Drop.RTP_UNKNOWN_LAYER] == 2
    assert 9001 not in stage.publisher.media._incoming.by_ssrc


def test_thousands_of_ssrcs_and_a_collision_change_nothing(stage: Stage) -> None:
    stage.choose(0)
    stage.frame(key=(0, 1, 2))
    for number in range(5_000):
        elements = element(IDS.mid, b"1") + element(IDS.rid, b"lmh"[number % 3 : number % 3 + 1])
        stage.receive(rtp(100_000 + number, number, 0, b"\x90\x80\x01\x00", elements=elements))
    # Layer h's SSRC under the name of layer l: it is known already.
    stray = Layer(2, stage.layers[2].sequence, 1, 1, 0).frame(1, packets=1)[0]
    stage.receive(stray)
    stage.frames(3)
    assert len(stage.publisher.media._incoming.by_ssrc) == 4
    assert [each.layer for each in stage.seen()] == [0, 0, 0, 0]


def test_one_layer_after_another_may_change_its_ssrc(stage: Stage) -> None:
    stage.choose(0)
    stage.frame((0,), key=(0,))
    stage.clock.now += 3
    elements = element(IDS.mid, b"1") + element(IDS.rid, b"l")
    frame = Layer(0, 5, 9, 9, 0).frame(1, key=True, packets=1)[0]
    stage.receive(rtp(7777, 5, 90_000, frame[-13:], elements=elements))
    assert SSRCS[0] not in stage.publisher.media._incoming.by_ssrc
    assert_continuous(stage.seen())


def test_a_repair_stream_in_use_is_not_replaced(stage: Stage) -> None:
    stage.choose(0)
    stage.frame(key=(0,))
    known = stage.publisher.media._incoming.by_ssrc
    packets = stage.layers[0].frame(stage.moment + 1, packets=4)
    stage.receive(packets[3])
    stage.receive(stage.layers[0].repair(packets[0], 1))
    elements = element(IDS.mid, b"1") + element(IDS.repaired_rid, b"l")
    stage.receive(rtp(9001, 1, 0, b"\0\1" + bytes(9), 97, elements=elements))
    assert REPAIR_SSRCS[0] in known
    assert 9001 not in known
    stage.clock.now += 3
    stage.receive(rtp(9001, 2, 0, b"\0\1" + bytes(9), 97, elements=elements))
    assert REPAIR_SSRCS[0] not in known
    assert 9001 in known


def test_nothing_shown_before_is_shown_again_however_many_streams_came_between(stage: Stage) -> None:
    stage.choose(0)
    elements = element(IDS.mid, b"1") + element(IDS.rid, b"h")
    for turn in range(12):
        # Layer h comes under a new SSRC each time, while l stays.
        stage.clock.now += 3
        stage.frame((0,), key=(0,))
        stage.choose(2)
        frame = Layer(2, 5, 9, 9, 0).frame(1, key=True, packets=1)[0]
        stage.receive(rtp(7000 + turn, 5, 90_000 * turn, frame[-14:], elements=elements))
        assert [each.layer for each in stage.seen()][-1] == 2
        stage.choose(-1)
        stage.choose(0)
        assert stage.seen() == []


@pytest.mark.parametrize("shaped", [False, True])
def test_what_came_before_a_start_and_comes_late_is_counted(stage: Stage, *, shaped: bool) -> None:
    if shaped:
        stage.measured().choose(2, temporal=0)
        stage.frames(4)
    else:
        stage.publisher.media.want_layers(frozenset({2}))
        stage.frame((2,), key=(2,))
    stage.subscriber.shows(False)
    lost = stage.layers[2].frame(stage.moment + 1, packets=1)[0]
    stage.clock.now += 1
    stage.frame((2,))
    stage.subscriber.shows(True)
    stage.frame((2,), key=(2,))
    assert stage.seen()[-1].key
    assert stage.subscription.is_shaped is shaped
    stage.receive(lost)
    assert stage.seen() == []
    assert stage.drops.counts[Drop.LATE_FOR_SUBSCRIBER] == 1


def test_padding_goes_out_as_retransmissions_then_as_padding(stage: Stage) -> None:
    stage.choose(2)
    stage.frame((2,), key=(2,))
    stage.frames(2, (2,))
    sent = stage.subscriber.sink.take_rtp()
    before = stage.subscription.bits_sent
    octets = stage.subscription.pad(1_000, stage.clock.now)
    padding = stage.subscriber.sink.take_rtp()
    assert 950 < octets < 1_100
    assert stage.subscription.bits_sent - before == 8 * octets
    assert {each.ssrc for each in padding} == {5002}
    again = [each for each in padding if each.payload]
    assert [each.payload[2:] for each in reversed(again)] == [each.payload for each in sent]
    assert len(padding) > len(again)
    assert len({each.sequence_number for each in padding}) == len(padding)


def test_paused_means_nothing_and_no_requests(stage: Stage) -> None:
    stage.frame(key=(0, 1, 2))
    stage.seen()
    stage.choose(-1)
    stage.asked()
    stage.frames(20)
    assert stage.seen() == []
    assert stage.asked() == set()
    assert stage.subscription.pad(500, stage.clock.now) >= 500
    assert {each.ssrc for each in stage.subscriber.sink.take_rtp()} == {5002}
    stage.choose(1)
    stage.frame(key=(1,))
    assert [each.layer for each in stage.seen()] == [1]
