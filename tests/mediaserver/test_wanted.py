"""What a publisher is told to send: what somebody can see, at once more, a little later less."""

import asyncio
import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.link_messages import SlotEntry, TileEntry
from mediaserver.link_messages import Wanted as WantedNotice
from mediaserver.media_peer import CONNECTING_SECONDS, MediaPeer
from mediaserver.settings import GONE_AFTER
from mediaserver.tiles import TileSize
from mediaserver.transport import Transport
from mediaserver.transport_state import TransportState
from mediaserver.wanted import (
    LOWER_AFTER_SECONDS,
    MISSED_AFTER_SECONDS,
    SUBSTITUTE_SECONDS,
    Substitutes,
    Wanted,
    WantedTeller,
    wanted_layers,
)
from tests.mediaserver.conftest import WorkerUnderTest
from tests.mediaserver.packet_path import KEYFRAME, element, rtp
from tests.mediaserver.raw_client import browser_offer

SIMULCAST = browser_offer("chromium-simulcast")
PLAIN = browser_offer("chromium")
NONE, SMALL, MEDIUM, _ = TileSize
PICTURE, OTHER_PICTURE, SCREEN = "4", "6", "7"
"""Receive-only video sections of the simulcast offer: slot 0, slot 1, the shared screen."""


@pytest.mark.parametrize(
    ("layers", "wished", "wanted"),
    [
        (3, [], set()),
        (3, [-1, -1], set()),
        (3, [2], {2}),
        (3, [0, -1], {0}),
        (3, [0, 0], {0}),
        (3, [1, 0], {0, 1}),
        (3, [2, 1, -1], {0, 1, 2}),
        (3, [2, 2], {0, 2}),
        (2, [2, 1], {0, 1}),
        (1, [2, 0], {0}),
        (1, [-1], set()),
    ],
)
def test_layers_by_what_each_viewer_has_a_use_for(layers: int, wished: list[int], wanted: set[int]) -> None:
    assert wanted_layers(layers, wished) == wanted


@given(st.lists(st.tuples(st.sets(st.integers(0, 2)), st.booleans(), st.floats(0.01, 0.5)), max_size=20))
def test_more_is_told_at_once_and_less_when_it_stayed_so(steps: list[tuple[set[int], bool, float]]) -> None:
    start = Wanted(frozenset({2}), screen=False)
    teller, now, page, stays_since = WantedTeller(start), 100.0, start, 100.0
    aim = start
    for layers, screen, pause in steps:
        wanted = Wanted(frozenset(layers), screen)
        if wanted != aim:
            aim, stays_since = wanted, now
        page = teller.aim(wanted, now) or page
        assert wanted.camera <= page.camera
        assert screen <= page.screen
        now += pause
        page = teller.due(now) or page
        if now - stays_since >= LOWER_AFTER_SECONDS:
            assert page == wanted
            assert not teller.pending


def test_a_layer_that_does_not_come_has_the_next_lower_one_in_its_place() -> None:
    wanted, low, both = frozenset({0, 2}), frozenset({0}), frozenset({0, 2})
    substitutes, now = Substitutes(), 100.0
    assert substitutes.beside(wanted, low, now) == {0, 2}
    assert substitutes.beside(wanted, low, now + MISSED_AFTER_SECONDS - 0.1) == {0, 2}
    now += MISSED_AFTER_SECONDS
    assert substitutes.beside(wanted, low, now) == {0, 1, 2}
    # Back again: the one in its place goes after a while.
    assert substitutes.beside(wanted, both, now + SUBSTITUTE_SECONDS - 0.1) == {0, 1, 2}
    assert substitutes.beside(wanted, both, now + SUBSTITUTE_SECONDS) == {0, 2}


def test_a_small_camera_that_leaves_its_smallest_layer_out_sends_the_next_larger_one() -> None:
    wanted, whole, two = frozenset({0, 2}), frozenset({2}), frozenset({1, 2})
    substitutes = Substitutes()
    assert substitutes.beside(wanted, whole, 100.0) == {0, 2}
    assert substitutes.beside(wanted, whole, 100.0 + MISSED_AFTER_SECONDS) == {0, 1, 2}
    assert substitutes.beside(wanted, two, 100.0 + MISSED_AFTER_SECONDS + 2 * SUBSTITUTE_SECONDS) == {0, 1, 2}
    assert substitutes.beside(frozenset({2}), whole, 200.0) == {2}


@pytest.mark.parametrize(
    ("wanted", "sent"), [({2}, set()), ({0, 2}, set()), ({0, 2}, {0, 2}), ({0}, {0}), ({0, 1}, {0, 1})]
)
def test_silence_of_all_and_layers_that_come_need_nothing_in_their_place(wanted: set[int], sent: set[int]) -> None:
    substitutes = Substitutes()
    for step in range(100):
        assert substitutes.beside(frozenset(wanted), frozenset(sent), 100.0 + step) == wanted


def told(media: WorkerUnderTest, peer: str) -> list[tuple[tuple[str, ...], bool]]:
    return [
        (each.camera, each.screen) for each in media.notices if isinstance(each, WantedNotice) and each.peer == peer
    ]


def peer_of(media: WorkerUnderTest, name: str) -> MediaPeer:
    peer = media.worker._find("room", name)
    assert peer is not None
    return peer


def shows(media: WorkerUnderTest, peer: str, **sizes: TileSize) -> None:
    tiles = tuple(TileEntry(mid.removeprefix("mid"), size, main=False) for mid, size in sizes.items())
    media.worker.view("room", peer, tiles)


def sends(media: WorkerUnderTest, name: str, rid: bytes, number: int, ssrc: int = 4001) -> None:
    """A packet of that layer of its camera."""
    peer = peer_of(media, name)
    camera = peer.camera
    assert camera is not None
    elements = element(camera.extensions.mid, camera.mid.encode()) + element(camera.extensions.rid, rid)
    packet = rtp(ssrc, number, 450 * number, KEYFRAME, camera.codecs[0].payload_type, elements=elements)
    peer.transport.media.receive_rtp(packet, time.monotonic())


async def test_nobody_watching_is_told_after_a_while_and_somebody_at_once(media: WorkerUnderTest) -> None:
    media.offer("anna", SIMULCAST)
    assert told(media, "anna") == []
    await media.until(lambda: told(media, "anna") == [((), False)])
    media.offer("boris", SIMULCAST)
    assert told(media, "anna")[-1] == (("h",), False)
    assert told(media, "boris") == []


async def test_layers_come_with_the_third_person_and_go_with_them(media: WorkerUnderTest) -> None:
    media.offer("anna", SIMULCAST)
    media.offer("boris", SIMULCAST)
    assert told(media, "anna") == []
    media.offer("vera", SIMULCAST)
    assert told(media, "anna") == [(("l", "h"), False)]
    shows(media, "vera", **{f"mid{PICTURE}": MEDIUM})
    assert told(media, "anna")[-1] == (("l", "m", "h"), False)
    media.worker.disconnect("room", "vera")
    await media.until(lambda: told(media, "anna")[-1] == (("h",), False))


async def test_a_weak_up_link_is_told_to_send_the_middle_layer(media: WorkerUnderTest) -> None:
    for name in ("anna", "boris", "vera"):
        media.offer(name, SIMULCAST)
    assert told(media, "anna")[-1] == (("l", "h"), False)
    numbers = itertools.count(1)

    def middle_came() -> bool:
        sends(media, "anna", b"l", next(numbers))
        return told(media, "anna")[-1] == (("l", "m", "h"), False)

    await media.until(middle_came)


async def test_a_camera_sends_its_whole_picture_once_also_where_all_show_it_small(media: WorkerUnderTest) -> None:
    """What its browser's down-link holds it tells through that one."""
    for name in ("anna", "boris"):
        media.offer(name, SIMULCAST)
    shows(media, "boris", **{f"mid{PICTURE}": SMALL})
    sends(media, "anna", b"l", 1)
    assert told(media, "anna")[-1] == (("l", "h"), False)
    await asyncio.sleep(2 * LOWER_AFTER_SECONDS)
    assert told(media, "anna")[-1] == (("l", "h"), False)
    sends(media, "anna", b"h", 1, ssrc=4003)
    await media.until(lambda: told(media, "anna")[-1] == (("l",), False))


async def test_a_camera_that_has_begun_long_ago_is_not_waited_for(media: WorkerUnderTest) -> None:
    for name in ("anna", "boris"):
        media.offer(name, SIMULCAST)
    peer_of(media, "anna").camera_since -= 60
    shows(media, "boris", **{f"mid{PICTURE}": SMALL})
    await media.until(lambda: told(media, "anna")[-1:] == [(("l",), False)])


async def test_a_hidden_page_watches_nothing(media: WorkerUnderTest) -> None:
    media.offer("anna", SIMULCAST)
    media.offer("boris", SIMULCAST)
    shows(media, "boris", **{f"mid{PICTURE}": NONE, f"mid{OTHER_PICTURE}": NONE})
    await media.until(lambda: told(media, "anna") == [((), False)])
    peer_of(media, "anna").camera_since -= 60
    shows(media, "boris", **{f"mid{PICTURE}": SMALL})
    assert told(media, "anna")[-1] == (("l",), False)
    shows(media, "boris")
    assert told(media, "anna")[-1] == (("l", "h"), False)
    await media.until(lambda: told(media, "anna")[-1] == (("h",), False))


def heard_last(transport: Transport, at: float) -> None:
    transport._heard_at = transport._checked_at = at


async def test_who_is_gone_is_no_viewer_until_they_are_back(media: WorkerUnderTest) -> None:
    for name in ("anna", "boris", "vera"):
        media.offer(name, SIMULCAST)
        # As after the handshake; silence is what the transport looks for.
        peer_of(media, name).transport.state = TransportState.LIVE
    boris, vera = peer_of(media, "boris").transport, peer_of(media, "vera").transport
    heard_last(vera, time.monotonic() - GONE_AFTER)
    await media.until(lambda: told(media, "anna")[-1] == (("h",), False))
    assert not any(each.wanted for each in vera.media._subscriptions.values() if each.video)
    heard_last(boris, time.monotonic() - GONE_AFTER)
    await media.until(lambda: told(media, "anna")[-1] == ((), False))
    for transport in (boris, vera):
        heard_last(transport, time.monotonic())
    await media.until(lambda: told(media, "anna")[-1] == (("l", "h"), False))


async def test_who_never_connects_is_no_viewer_for_long(media: WorkerUnderTest) -> None:
    media.offer("anna", SIMULCAST)
    media.offer("boris", SIMULCAST)
    assert told(media, "anna") == []
    peer_of(media, "boris").came_at -= CONNECTING_SECONDS
    await media.until(lambda: told(media, "anna") == [((), False)])


async def test_a_camera_without_layers_sends_or_does_not(media: WorkerUnderTest) -> None:
    media.offer("anna", PLAIN)
    for name in ("boris", "vera", "galina"):
        media.offer(name, SIMULCAST)
    assert told(media, "anna") == []
    for name in ("boris", "vera", "galina"):
        media.worker.disconnect("room", name)
    await media.until(lambda: told(media, "anna") == [((), False)])


async def test_a_new_connection_is_told_anew(media: WorkerUnderTest) -> None:
    for name in ("anna", "boris", "vera"):
        media.offer(name, SIMULCAST)
    media.notices.clear()
    media.offer("anna", SIMULCAST, connection="second")
    [notice] = [each for each in media.notices if isinstance(each, WantedNotice)]
    assert notice == WantedNotice("room", "anna", "second", ("l", "h"), screen=False)


async def test_a_server_that_comes_back_is_told_what_was_told(media: WorkerUnderTest) -> None:
    for name in ("anna", "boris", "vera"):
        media.offer(name, SIMULCAST)
    media.worker.share_screen("room", "vera")
    standing = {each.peer: each for each in media.worker.standing_notices() if isinstance(each, WantedNotice)}
    assert standing["anna"] == WantedNotice("room", "anna", "first", ("l", "h"), screen=False)
    assert standing["vera"] == WantedNotice("room", "vera", "first", ("l", "h"), screen=True)
    assert {each.peer: each.shares_screen for each in media.worker.inventory()} == {
        "anna": False,
        "boris": False,
        "vera": True,
    }


def on_screen(media: WorkerUnderTest, peer: str) -> str | None:
    """Whose screen this peer was last told to see."""
    return next(entry.peer for entry in media.slots_told(peer)[-1].slots if entry.mid == SCREEN)


async def test_a_screen_goes_to_everybody_else_until_it_stops(media: WorkerUnderTest) -> None:
    for name in ("anna", "boris"):
        media.offer(name, SIMULCAST)
    media.worker.share_screen("room", "anna")
    assert on_screen(media, "boris") == "anna"
    assert told(media, "anna") == [(("h",), True)]
    assert SlotEntry(SCREEN, None) in media.offer("anna", SIMULCAST, number=2).slots
    late = media.offer("vera", SIMULCAST)
    assert SlotEntry(SCREEN, "anna") in late.slots
    media.worker.share_screen("room", "boris")
    assert on_screen(media, "anna") == "boris"
    assert on_screen(media, "vera") == "boris"
    assert told(media, "boris")[-1][1] is True
    media.worker.share_screen("room", None)
    assert on_screen(media, "vera") is None
    await media.until(lambda: told(media, "boris")[-1] == (("l", "h"), False))
    await media.until(lambda: told(media, "anna")[-1] == (("l", "h"), False))


async def test_a_screen_nobody_shows_is_not_wanted(media: WorkerUnderTest) -> None:
    for name in ("anna", "boris"):
        media.offer(name, SIMULCAST)
    media.worker.share_screen("room", "anna")
    shows(media, "boris", **{f"mid{SCREEN}": NONE})
    await media.until(lambda: told(media, "anna")[-1] == (("h",), False))


async def test_a_screen_outlives_a_connection_and_ends_with_its_owner(media: WorkerUnderTest) -> None:
    for name in ("anna", "boris"):
        media.offer(name, SIMULCAST)
    media.worker.share_screen("room", "anna")
    media.offer("anna", SIMULCAST, connection="second")
    assert told(media, "anna")[-1] == (("h",), True)
    media.worker.disconnect("room", "anna")
    assert on_screen(media, "boris") is None
    assert SlotEntry(SCREEN, None) in media.offer("anna", SIMULCAST, connection="third").slots


async def test_who_has_no_place_for_a_screen_is_not_told_of_one(media: WorkerUnderTest) -> None:
    media.offer("anna", SIMULCAST)
    media.offer("boris", PLAIN)
    media.notices.clear()
    media.worker.share_screen("room", "anna")
    media.worker.share_screen("another room", "anna")
    assert media.slots_told("boris") == []
    assert told(media, "anna") == []
