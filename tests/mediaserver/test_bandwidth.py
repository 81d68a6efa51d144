"""Subscribers at the end of simulated links: a full link, a lossy one, one that gets well again."""

import pytest

from mediaserver.allocation import Measure
from mediaserver.bandwidth import DownlinkControl
from mediaserver.relayed_limit import LEAST_SHARED, RelayedLimit, picture_limit
from mediaserver.tiles import Tile, TileSize
from tests.mediaserver.simulated_downlink import AUDIO_SSRC, Camera, World

HD = (2_500_000,)


def frames_in(world: World, camera: Camera, seconds: float) -> float:
    before = camera.frames
    world.run(seconds)
    return (camera.frames - before) / seconds


def reduced_and_off(world: World) -> tuple[int, int]:
    return world.control.pictures(Measure.PICTURE_REDUCED), world.control.pictures(Measure.PICTURE_OFF)


@pytest.fixture
def group() -> World:
    """Two others with three layers each, both shown large."""
    world = World(Camera(10), Camera(20))
    world.run(6)
    return world


def test_a_good_link_is_never_limited_nor_probed(group: World) -> None:
    group.run(20)
    assert group.control.downlink.budget is None
    assert reduced_and_off(group) == (0, 0)
    assert [camera.padding for camera in group.cameras] == [0, 0]
    assert [(camera.spatial, camera.temporal) for camera in group.cameras] == [(2, 3), (2, 3)]


@pytest.mark.parametrize("rate", [300, 400, 700])
def test_a_narrow_link_has_smaller_pictures_within_seconds_and_sound_all_along(group: World, rate: float) -> None:
    group.limit(rate)
    group.begin()
    group.run(5)
    assert group.lost(AUDIO_SSRC) < 0.06
    assert [camera.spatial < 2 for camera in group.cameras] == [True, True]
    group.begin()
    fps = frames_in(group, group.cameras[0], 30)
    assert fps >= 10
    assert group.lost(AUDIO_SSRC) < 0.01
    assert group.lost(10) < 0.05
    reduced, off = reduced_and_off(group)
    assert reduced
    assert not off or rate < 400


def test_on_a_narrow_link_the_picture_does_not_flap(group: World) -> None:
    group.limit(400)
    group.run(10)
    for camera in group.cameras:
        camera.choices.clear()
    group.run(60)
    assert max(len(camera.choices) for camera in group.cameras) <= 6


def test_a_link_with_a_short_queue_keeps_sound_and_pictures_that_move(group: World) -> None:
    """It drops at once what is too much, padding too, and no round trip tells of it."""
    group.limit(400, queue_ms=80)
    group.run(10)
    group.begin()
    assert frames_in(group, group.cameras[0], 60) >= 10
    assert group.lost(AUDIO_SSRC) < 0.01
    assert group.lost(10) < 0.2, "most of it padding, of probes that found the link's end"


@pytest.mark.parametrize("rate", [0, 400])
def test_a_browser_that_sees_a_queue_where_there_is_none_loses_nothing(group: World, rate: float) -> None:
    group.limit(rate)
    group.run(20)
    before = [(camera.spatial, camera.temporal) for camera in group.cameras]
    overuses = group.control.downlink.overuses
    for camera in group.cameras:
        camera.choices.clear()
    group.control.estimated(group.control.downlink.estimate // 2, group.now)
    group.run(1.5)
    assert [(camera.spatial, camera.temporal) for camera in group.cameras] == before
    assert group.control.downlink.overuses == overuses
    assert [camera.choices for camera in group.cameras] == [[], []]


@pytest.mark.parametrize("seconds", [10, 27, 63])
def test_when_the_limit_goes_all_is_as_before_within_20_seconds(group: World, seconds: float) -> None:
    group.limit(400)
    group.run(seconds)
    group.limit(0)
    group.run(20)
    assert [(camera.spatial, camera.temporal) for camera in group.cameras] == [(2, 3), (2, 3)]
    group.run(25)
    assert group.control.downlink.budget is None


@pytest.mark.parametrize("seed", range(4))
def test_random_loss_of_five_percent_takes_nothing(seed: int) -> None:
    world = World(Camera(10), Camera(20), seed=seed)
    world.limit(0, loss=0.05)
    world.run(60)
    assert [(camera.spatial, camera.temporal) for camera in world.cameras] == [(2, 3), (2, 3)]


def test_a_link_too_narrow_for_pictures_keeps_sound_and_says_so() -> None:
    world = World(Camera(10), Camera(20))
    world.run(6)
    world.limit(110)
    world.run(10)
    world.begin()
    world.run(30)
    assert reduced_and_off(world)[1]
    assert world.lost(AUDIO_SSRC) < 0.02
    world.limit(0)
    world.run(25)
    assert [camera.spatial for camera in world.cameras] == [2, 2]


def test_who_joins_on_a_narrow_link_is_served_at_once() -> None:
    world = World(Camera(10), Camera(20))
    world.limit(400)
    world.run(4)
    world.begin()
    assert frames_in(world, world.cameras[0], 20) >= 10
    assert world.lost(AUDIO_SSRC) < 0.01


def test_hidden_pictures_cost_nothing(group: World) -> None:
    group.view(Tile(TileSize.NONE), Tile(TileSize.NONE))
    group.run(1)
    assert [camera.spatial for camera in group.cameras] == [-1, -1]
    assert reduced_and_off(group) == (0, 0)
    group.view(Tile(TileSize.SMALL), Tile(TileSize.LARGE, True))
    group.run(2)
    assert [camera.spatial for camera in group.cameras] == [0, 2]


def test_the_main_tile_is_the_better_one(group: World) -> None:
    group.view(Tile(TileSize.LARGE), Tile(TileSize.LARGE, True))
    group.limit(900)
    group.run(15)
    first, main = group.cameras
    assert (main.spatial, main.temporal) > (first.spatial, first.temporal)


def test_of_two_in_a_room_the_publisher_follows_the_limit() -> None:
    world = World(Camera(10, HD), follows=True, shared=False)
    world.run(6)
    world.limit(1000)
    world.run(5)
    world.begin()
    assert frames_in(world, world.cameras[0], 60) >= 29
    assert world.lost(AUDIO_SSRC) < 0.01
    limit = world.cameras[0].limit
    assert limit is not None
    assert 450_000 < limit < 1_000_000
    world.limit(0)
    world.run(25)
    assert world.cameras[0].limit is None or world.cameras[0].limit > 2_000_000


def test_a_publisher_that_sends_less_than_it_may_is_not_probed_for_ever() -> None:
    world = World(Camera(10, (800_000,)), follows=True, shared=False)
    world.run(6)
    world.limit(600)
    world.run(10)
    world.limit(0)
    world.run(30)
    padding = world.cameras[0].padding
    world.run(30)
    assert world.cameras[0].padding == padding
    assert world.control.downlink.budget is None


def test_a_publisher_that_does_not_follow_is_left_out_and_sound_stays() -> None:
    class Deaf(Camera):
        def _rate(self, layer: int) -> int:
            return self.rates[layer]

    world = World(Deaf(10, HD), follows=True, shared=False)
    world.run(6)
    world.limit(500)
    world.run(12)
    world.begin()
    world.run(15)
    assert reduced_and_off(world)[1]
    assert world.lost(AUDIO_SSRC) < 0.02


def test_a_publisher_that_follows_slowly_is_not_left_out() -> None:
    class Sluggish(Camera):
        now_at = float(HD[0])

        def frame(self, now: float) -> list[int]:
            self.now_at += (super()._rate(0) - self.now_at) * 0.012
            return super().frame(now)

        def _rate(self, layer: int) -> int:
            return int(self.now_at)

    world = World(Sluggish(10, HD), follows=True, shared=False)
    world.run(6)
    world.limit(800)
    for _ in range(30):
        world.run(0.5)
        assert reduced_and_off(world)[1] == 0


def test_a_client_without_feedback_is_sent_everything_and_padded_never(group: World) -> None:
    group.silent = True
    group.control = DownlinkControl()
    group.run(30)
    assert group.control.downlink.budget is None
    assert [camera.padding for camera in group.cameras] == [0, 0]


def test_whose_limit_a_publisher_follows() -> None:
    assert picture_limit([], 1) is None
    assert picture_limit([90_000], 3) == 90_000
    assert picture_limit([None], 1) is None
    assert picture_limit([None, 900_000, 700_000], 1) == 700_000
    assert picture_limit([None, 20], 1) == LEAST_SHARED
    assert picture_limit([20, 30], 3) is None


def test_a_limit_is_told_at_once_when_it_changes_and_else_each_second() -> None:
    relayed = RelayedLimit()
    assert relayed.due(None, 1.0) is None
    assert relayed.due(500_000, 1.0) == 548_000
    assert relayed.due(505_000, 1.2) is None
    assert relayed.due(400_000, 1.4) == 448_000
    assert relayed.due(400_000, 2.5) == 448_000
    assert relayed.due(None, 2.6) == 100_000_000


def test_a_client_that_tells_no_estimates_is_not_led_into_loss_again_and_again() -> None:
    """Chromium without a camera of its own: overuse shows as lost packets alone."""
    camera = Camera(7, keyframe_seconds=0.5)
    world = World(camera)
    world.tells_estimates = False
    world.run(8)
    world.limit(400)
    world.run(5)
    world.begin()
    assert frames_in(world, camera, 25) >= 10
    assert world.lost(7) < 0.2, "most of it padding, of probes that found the link's end"
    assert world.lost(AUDIO_SSRC) < 0.02
    world.limit(8000)
    world.run(25)
    assert (camera.spatial, camera.temporal) >= (2, 2)
