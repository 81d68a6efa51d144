"""The word for somebody's link: worse is believed soon, better when it lasts, and it does not flicker."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.media_port import LinkMeasure
from rooms.messages import ConnectionState, LinkLevel, PictureMeasure
from rooms.quality.link_level import BETTER_AFTER, WORSE_AFTER, Judged, judge

LIVE = ConnectionState.LIVE
FINE, LOSSY, BAD = LinkMeasure(round_trip_seconds=0.05), LinkMeasure(uplink_lost=0.05), LinkMeasure(downlink_lost=0.2)


def after(*looks: LinkMeasure | None, before: Judged | None = None, state: ConnectionState = LIVE) -> Judged:
    judged = before
    for link in looks:
        judged = judge(judged, state, link)
    assert judged is not None
    return judged


@pytest.mark.parametrize(
    ("link", "level"),
    [
        (FINE, LinkLevel.GOOD),
        (LOSSY, LinkLevel.FAIR),
        (BAD, LinkLevel.POOR),
        (LinkMeasure(round_trip_seconds=0.4), LinkLevel.FAIR),
        (LinkMeasure(round_trip_seconds=1.5), LinkLevel.POOR),
        (LinkMeasure(pictures_reduced=1), LinkLevel.FAIR),
        (LinkMeasure(pictures_off=1), LinkLevel.POOR),
    ],
)
def test_what_is_measured_has_a_word(link: LinkMeasure, level: LinkLevel) -> None:
    assert after(link).level is level
    assert after(FINE, *[link] * WORSE_AFTER).level is level


def test_one_bad_look_is_no_bad_link() -> None:
    assert after(FINE, BAD, FINE, BAD, FINE).level is LinkLevel.GOOD


def test_better_comes_step_by_step() -> None:
    poor = after(BAD)
    assert after(*[FINE] * (BETTER_AFTER - 1), before=poor).level is LinkLevel.POOR
    assert after(*[FINE] * BETTER_AFTER, before=poor).level is LinkLevel.FAIR
    assert after(*[FINE] * 2 * BETTER_AFTER, before=poor).level is LinkLevel.GOOD


@pytest.mark.parametrize("state", [ConnectionState.GONE, ConnectionState.RECONNECTING])
def test_silence_is_told_at_once_and_so_is_its_end(state: ConnectionState) -> None:
    lost = after(FINE, before=after(FINE), state=state)
    assert lost.level is LinkLevel.LOST
    assert after(FINE, before=lost).level is LinkLevel.FAIR
    assert after(BAD, before=lost).level is LinkLevel.POOR


def test_an_unstable_link_is_poor_at_once() -> None:
    assert after(FINE, before=after(FINE), state=ConnectionState.UNSTABLE).level is LinkLevel.POOR


def test_what_is_done_about_it_is_told_at_once() -> None:
    good = after(FINE)
    assert after(LinkMeasure(pictures_reduced=2), before=good).measure is PictureMeasure.PICTURE_REDUCED
    assert after(LinkMeasure(pictures_reduced=2, pictures_off=1), before=good).measure is PictureMeasure.PICTURE_OFF
    assert after(None, before=good).measure is PictureMeasure.NONE


LINKS = st.builds(LinkMeasure, st.floats(0, 1), st.floats(0, 1), st.floats(0, 3), st.integers(0, 2), st.integers(0, 2))


@given(st.lists(LINKS, min_size=1), LINKS)
def test_what_stays_the_same_is_believed_in_the_end(before: list[LinkMeasure], link: LinkMeasure) -> None:
    settled = after(*[link] * 4 * BETTER_AFTER, before=after(*before))
    assert settled.level is after(link).level
    assert after(link, before=settled).level is settled.level
