"""Who gets what: order of importance, temporal before spatial, headroom."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaserver.allocation import EVERY_PICTURE, MOST_FOLLOWING, OFF, Choice, Demand, Measure, allocate
from mediaserver.tiles import Tile, TileSize

RATES = ((60_000, 90_000, 150_000), (200_000, 300_000, 500_000), (600_000, 900_000, 1_500_000))
ALL = EVERY_PICTURE
TOP = Choice(2, ALL)
LARGE, MEDIUM, SMALL, HIDDEN = (Tile(size) for size in (TileSize.LARGE, TileSize.MEDIUM, TileSize.SMALL, TileSize.NONE))
MAIN = Tile(TileSize.LARGE, True)


def cost(choice: Choice) -> int:
    return 0 if choice == OFF else RATES[choice.spatial][min(2, choice.temporal)]


def test_without_a_limit_everybody_gets_what_the_page_shows() -> None:
    demands = [Demand(RATES, tile, OFF) for tile in (LARGE, MEDIUM, SMALL, HIDDEN)]
    allocation = allocate(None, demands)
    assert [grant.choice for grant in allocation.grants] == [TOP, (1, ALL), (0, ALL), OFF]
    assert {grant.measure for grant in allocation.grants} == {Measure.NONE}
    assert allocation.wanted == 0


def test_a_screen_is_shown_whole_however_small_the_tile() -> None:
    assert allocate(None, [Demand(RATES, SMALL, OFF, screen=True)]).grants[0].choice == TOP


@pytest.mark.parametrize(
    ("budget", "choice"),
    [
        (1_600_000, (2, ALL)),
        (1_000_000, (2, 1)),
        (700_000, (1, ALL)),
        (350_000, (1, 1)),
        (250_000, (0, ALL)),
        (100_000, (0, 1)),
        (65_000, (0, 0)),
        (50_000, OFF),
    ],
)
def test_a_camera_loses_temporal_layers_first_while_it_still_moves(budget: int, choice: Choice) -> None:
    (grant,) = allocate(budget, [Demand(RATES, LARGE, TOP)]).grants
    assert grant.choice == choice
    expected = Measure.PICTURE_OFF if choice == OFF else Measure.NONE if choice == TOP else Measure.PICTURE_REDUCED
    assert grant.measure is expected


@pytest.mark.parametrize(
    ("frames", "budget", "choice"),
    [
        (24, 350_000, (1, 1)),
        (20, 1_000_000, (1, ALL)),
        (20, 350_000, (0, ALL)),
        (20, 100_000, (0, 1)),
        (50, 220_000, (1, 0)),
        (8, 1_600_000, TOP),
    ],
)
def test_a_smaller_picture_is_better_than_one_that_jerks(frames: float, budget: int, choice: Choice) -> None:
    (grant,) = allocate(budget, [Demand(RATES, LARGE, TOP, frames_per_second=frames)]).grants
    assert grant.choice == choice


def test_a_camera_whose_rate_wavers_does_not_change_its_size_each_time() -> None:
    current = Choice(1, 1)
    for frames in (23.8, 24.2, 22.0, 24.1):
        (grant,) = allocate(350_000, [Demand(RATES, LARGE, current, frames_per_second=frames)]).grants
        assert grant.choice == current
    (grant,) = allocate(350_000, [Demand(RATES, LARGE, current, frames_per_second=20)]).grants
    assert grant.choice == (0, ALL)


@pytest.mark.parametrize(("budget", "choice"), [(1_000_000, (2, 1)), (650_000, (2, 0)), (550_000, (1, ALL))])
def test_a_screen_keeps_its_resolution(budget: int, choice: Choice) -> None:
    (grant,) = allocate(budget, [Demand(RATES, LARGE, TOP, screen=True)]).grants
    assert grant.choice == choice


def test_the_screen_comes_first_then_the_main_tile_then_the_larger() -> None:
    demands = [
        Demand(RATES, SMALL, TOP),
        Demand(RATES, LARGE, TOP),
        Demand(RATES, MAIN, TOP),
        Demand(RATES, LARGE, TOP, screen=True),
    ]
    choices = [grant.choice for grant in allocate(3_100_000, demands).grants]
    assert choices == [(0, 1), (0, ALL), TOP, TOP]
    choices = [grant.choice for grant in allocate(670_000, demands).grants]
    assert choices == [OFF, OFF, (0, 1), (2, 0)]


def test_everybody_has_a_picture_that_moves_before_anybody_has_more() -> None:
    demands = [Demand(RATES, MAIN, TOP), Demand(RATES, LARGE, TOP)]
    assert [grant.choice for grant in allocate(190_000, demands).grants] == [(0, 1), (0, 1)]


def test_the_least_important_is_off_first() -> None:
    demands = [Demand(RATES, SMALL, TOP), Demand(RATES, MAIN, TOP)]
    grants = allocate(70_000, demands).grants
    assert [grant.measure for grant in grants] == [Measure.PICTURE_OFF, Measure.PICTURE_REDUCED]


def test_more_needs_headroom_and_leave() -> None:
    now = Choice(1, ALL)
    assert allocate(910_000, [Demand(RATES, LARGE, now)]).grants[0].choice == now
    assert allocate(1_050_000, [Demand(RATES, LARGE, now)]).grants[0].choice == (2, 1)
    assert allocate(1_050_000, [Demand(RATES, LARGE, now)], may_raise=False).grants[0].choice == now
    assert allocate(490_000, [Demand(RATES, LARGE, now)]).grants[0].choice == now


def test_it_says_what_more_would_cost() -> None:
    allocation = allocate(600_000, [Demand(RATES, LARGE, Choice(1, ALL))])
    assert allocation.wanted == pytest.approx(900_000 * 1.15, rel=0.06)
    assert allocation.full == pytest.approx(1_500_000 * 1.15, rel=0.06)
    assert allocate(2_000_000, [Demand(RATES, LARGE, TOP)]).wanted == 0


def test_layers_that_are_not_sent_are_assumed_to_be_of_use() -> None:
    unknown = ((0, 0, 0), (0, 0, 0), (600_000, 900_000, 1_500_000))
    assert allocate(400_000, [Demand(unknown, LARGE, TOP)]).grants[0].choice == (1, 1)
    small_camera = ((0,), (0,), (80_000, 120_000, 200_000))
    assert allocate(90_000, [Demand(small_camera, LARGE, TOP)]).grants[0].choice == (1, ALL)


def test_what_flows_goes_on_beside_a_layer_that_just_ends_and_seems_to_cost_less() -> None:
    ending = (RATES[0], (40_000, 60_000, 100_000), RATES[2])
    demand = Demand(ending, LARGE, Choice(0, ALL), frames_per_second=20)
    assert allocate(200_000, [demand], may_raise=False).grants[0].choice == (0, ALL)


def test_a_publisher_that_follows_gets_bits_instead_of_a_layer() -> None:
    demand = Demand(RATES, LARGE, TOP, least=(60_000, 150_000, 350_000))
    (grant,) = allocate(500_000, [demand]).grants
    assert grant == (TOP, Measure.PICTURE_REDUCED, 500_000)
    (grant,) = allocate(200_000, [demand]).grants
    assert grant == ((1, ALL), Measure.PICTURE_REDUCED, 200_000)
    assert allocate(500_000, [demand]).wanted == pytest.approx(MOST_FOLLOWING * 1.15, rel=0.06)


def test_those_who_follow_share_what_is_left() -> None:
    one_layer = Demand(((1_500_000,),), LARGE, Choice(0, 0), least=(300_000,))
    grants = allocate(1_000_000, [one_layer, one_layer, Demand(RATES, HIDDEN, OFF)]).grants
    assert [grant.bits for grant in grants] == [500_000, 500_000, None]
    grants = allocate(500_000, [one_layer, one_layer]).grants
    assert [grant.bits for grant in grants] == [500_000, None]
    assert grants[1].measure is Measure.PICTURE_OFF


_rows = st.lists(st.integers(0, 3_000_000), min_size=1, max_size=3).map(lambda row: tuple(sorted(row)))
_rates = st.lists(_rows, min_size=1, max_size=3).map(tuple)
_choices = st.tuples(st.integers(-1, 3), st.integers(-1, 3)).map(lambda pair: Choice(*pair))
_tiles = st.tuples(st.sampled_from(TileSize), st.booleans()).map(lambda pair: Tile(*pair))
_demands = st.builds(Demand, _rates, _tiles, _choices, st.booleans(), st.sampled_from([(), (60_000,)]))


@settings(deadline=None)
@given(budget=st.integers(0, 10_000_000), demands=st.lists(_demands, max_size=10), may_raise=st.booleans())
def test_any_demands_are_answered_with_layers_that_exist(budget: int, demands: list[Demand], may_raise: bool) -> None:
    for limit in (budget, None):
        allocation = allocate(limit, demands, may_raise=may_raise)
        for demand, grant in zip(demands, allocation.grants, strict=True):
            if grant.choice != OFF:
                assert 0 <= grant.choice.spatial < len(demand.rates)
                assert demand.tile.size is not TileSize.NONE


@settings(deadline=None)
@given(budget=st.integers(0, 10_000_000), tiles=st.lists(_tiles, max_size=8), current=_choices)
def test_it_never_costs_more_than_there_is(budget: int, tiles: list[Tile], current: Choice) -> None:
    grants = allocate(budget, [Demand(RATES, tile, current) for tile in tiles]).grants
    assert sum(cost(grant.choice) for grant in grants) <= budget * 1.05


def test_it_settles() -> None:
    for budget, tiles in itertools.product((100_000, 700_000, 2_000_000), ((MAIN, LARGE, SMALL), (LARGE, MEDIUM))):
        choices = [TOP] * len(tiles)
        for _ in range(3):
            demands = [Demand(RATES, tile, choice) for tile, choice in zip(tiles, choices, strict=True)]
            before, choices = choices, [grant.choice for grant in allocate(budget, demands).grants]
        assert choices == before
