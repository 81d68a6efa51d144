"""What the layers of a camera take, and how many pictures it gives: measured while somebody asks."""

import pytest

from tests.mediaserver.simulcast import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_rates_are_told_by_spatial_and_temporal_layer(stage: Stage) -> None:
    assert stage.subscription.layer_rates(stage.clock.now) == ((0,), (0,), (0,))
    stage.frame(key=(0, 1, 2))
    stage.subscription.layer_rates(stage.clock.now)
    for _ in range(16):
        stage.frame((0, 2), packets=3)
    low, middle, high = stage.subscription.layer_rates(stage.clock.now)
    assert middle == (0, 0, 0)
    assert low == high
    assert 0 < low[0] < low[1] < low[2]
    assert low[0] * 4 == pytest.approx(low[2], rel=0.1)


def test_a_keyframe_is_no_rate(stage: Stage) -> None:
    def rate() -> int:
        return stage.subscription.layer_rates(stage.clock.now)[0][-1]

    stage.frame(key=(0, 1, 2))
    rate()
    for _ in range(3):
        stage.frames(16, (0, 2))
        usual = rate()
    stage.frame((0, 2), key=(0, 2), packets=60)
    stage.frames(16, (0, 2))
    assert rate() == pytest.approx(usual, rel=0.05)


def test_a_layer_that_comes_back_is_measured_anew(stage: Stage) -> None:
    stage.frame(key=(0, 1, 2))
    stage.subscription.layer_rates(stage.clock.now)
    stage.frames(20)
    usual = stage.subscription.layer_rates(stage.clock.now)[1]
    stage.frames(30, (0, 2))
    assert stage.subscription.layer_rates(stage.clock.now)[1] == (0, 0, 0)
    stage.frame((0, 1, 2), key=(1,))
    assert stage.subscription.layer_rates(stage.clock.now)[1] == (0, 0, 0), "not known from one picture"
    stage.frames(20)
    assert stage.subscription.layer_rates(stage.clock.now)[1] == pytest.approx(usual, rel=0.1)


def test_a_screen_on_which_nothing_moves_has_a_rate_all_along(stage: Stage) -> None:
    """An only layer, a picture a second."""
    unknown = 0
    for second in range(12):
        stage.frame((0,), key=(0,) if second == 0 else ())
        for _ in range(5):
            stage.clock.now += 0.2
            unknown += not any(any(row) for row in stage.subscription.layer_rates(stage.clock.now))
    assert unknown <= 10, "only before the first was measured"
    stage.clock.now += 5
    assert not any(any(row) for row in stage.subscription.layer_rates(stage.clock.now))
    assert stage.subscription.frames_per_second == 0


def test_the_frame_rate_is_that_of_the_pictures_own_clock(stage: Stage) -> None:
    assert stage.subscription.frames_per_second == 0
    stage.frame(key=(0, 1, 2))
    stage.subscription.layer_rates(stage.clock.now)
    stage.frames(20)
    stage.subscription.layer_rates(stage.clock.now)
    assert stage.subscription.frames_per_second == pytest.approx(30)
