"""Layers begin at a keyframe: one that was lost and comes late, and the first of a layer that comes back."""

import pytest

from tests.mediaserver.simulcast import Stage, assert_continuous, pictures


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("packets", [1, 2, 3])
@pytest.mark.parametrize("lost", ["the first packet", "the whole picture"])
def test_a_switch_at_a_keyframe_that_was_lost_and_comes_late(stage: Stage, packets: int, lost: str) -> None:
    stage.choose(0)
    stage.frame(key=(0, 1, 2))
    stage.frames(5)
    stage.choose(2)
    stage.frames(2)
    shown = stage.seen()
    key, *later = [stage.layers[2].frame(stage.moment + step, key=step == 1, packets=packets) for step in range(1, 5)]
    gone = key[:1] if lost == "the first packet" else key
    for packet in (*key[len(gone) :], *later[0], *later[1], *gone, *later[2]):
        stage.receive(packet)
    sent = stage.subscriber.sink.take_rtp()
    assert all(each.payload for each in sent)
    seen = pictures(sorted(sent, key=lambda each: each.sequence_number))
    assert [(each.layer, each.key, each.parts) for each in seen] == [
        (2, number == 0, list(range(packets))) for number in range(4)
    ]
    assert_continuous([*shown, *seen])


def test_a_layer_that_is_switched_on_again_is_seen_from_its_first_keyframe_on(stage: Stage) -> None:
    stage.choose(2)
    stage.frame(key=(0, 1, 2))
    stage.frames(3)
    stage.publisher.media.want_layers(frozenset({0}))
    stage.frame(key=(0,))
    stage.frames(30, (0,))
    assert stage.seen()[-1].layer == 0
    stage.publisher.media.want_layers(frozenset({0, 2}))
    stage.asked()
    stage.frames(10, (0,))
    assert stage.asked() == set(), "who is silent is not asked again and again"
    stage.frame((0, 2), key=(2,))
    stage.frames(4, (0, 2))
    seen = stage.seen()
    assert_continuous(seen)
    assert [each.layer for each in seen] == [0] * 11 + [2] * 5
    assert stage.asked() == set()


def test_a_layer_that_comes_back_without_its_first_keyframe_is_asked_for_one(stage: Stage) -> None:
    stage.choose(2)
    stage.frame(key=(0, 1, 2))
    stage.frames(30, (0, 1))
    stage.frame((0, 1), key=(1,))
    stage.frames(2, (0, 1))
    assert stage.seen()[-1].layer == 1
    stage.asked()
    stage.frames(2)
    assert stage.asked() == {2}
    stage.frame(key=(2,))
    assert stage.seen()[-1].layer == 2
