"""Simulcast and screens in real offers (microphone, camera with three layers, screen, two slots, screen slot)."""

import re

import pytest

from mediaserver.negotiated import NO_SLOT, SCREEN_SLOT, Direction, Kind, Negotiated
from mediaserver.negotiation import Negotiation
from mediaserver.sdp_read import read_offer
from mediaserver.sdp_write import write_answer
from tests.mediaserver.raw_client import browser_offer
from tests.mediaserver.test_session_descriptions import LOCAL

BROWSERS = ["chromium-simulcast", "firefox-simulcast"]


def accept(text: str) -> Negotiated:
    return Negotiation().accept(read_offer(text), h264_by_all=True)


def answer(text: str) -> list[str]:
    """Its sections."""
    offer = read_offer(text)
    written = write_answer(offer, Negotiation().accept(offer, h264_by_all=True), LOCAL)
    return re.split(r"(?=^m=)", written, flags=re.MULTILINE)[1:]


@pytest.mark.parametrize(("browser", "rid", "repaired"), [(BROWSERS[0], 10, 11), (BROWSERS[1], 9, 10)])
def test_layers_are_accepted_as_offered(browser: str, rid: int, repaired: int) -> None:
    camera = accept(browser_offer(browser)).sections[1]
    assert camera.rids == ("l", "m", "h")
    assert (camera.extensions.rid, camera.extensions.repaired_rid) == (rid, repaired)
    assert camera.extensions.transport_cc
    assert [codec.name for codec in camera.codecs] == ["VP8"]
    # Firefox declares all six; which is which is learnt.
    assert camera.ssrcs == ()


@pytest.mark.parametrize("browser", BROWSERS)
def test_the_answer_takes_every_layer(browser: str) -> None:
    _, camera, screen, *_ = answer(browser_offer(browser))
    assert "a=rid:h recv\r\na=rid:m recv\r\na=rid:l recv\r\na=simulcast:recv h;m;l\r\n" in camera
    assert "sdes:rtp-stream-id" in camera
    assert "sdes:repaired-rtp-stream-id" in camera
    assert "rid" not in screen
    assert "rtp-stream-id" not in screen


@pytest.mark.parametrize("browser", BROWSERS)
def test_layers_of_a_camera_that_does_not_send_yet_are_answered_too(browser: str) -> None:
    text = browser_offer(browser).replace("a=sendonly", "a=inactive")
    assert accept(text).sections[1].direction is Direction.INACTIVE
    _, camera, *_ = answer(text)
    assert "a=inactive" in camera
    assert "a=simulcast:recv h;m;l\r\n" in camera


@pytest.mark.parametrize("browser", BROWSERS)
def test_screens_are_told_from_cameras(browser: str) -> None:
    sections = accept(browser_offer(browser)).sections
    assert [(each.kind, each.direction, each.slot, each.slides) for each in sections] == [
        (Kind.AUDIO, Direction.PUBLISH, NO_SLOT, False),
        (Kind.VIDEO, Direction.PUBLISH, NO_SLOT, False),
        (Kind.VIDEO, Direction.PUBLISH, NO_SLOT, True),
        (Kind.AUDIO, Direction.SUBSCRIBE, 0, False),
        (Kind.VIDEO, Direction.SUBSCRIBE, 0, False),
        (Kind.AUDIO, Direction.SUBSCRIBE, 1, False),
        (Kind.VIDEO, Direction.SUBSCRIBE, 1, False),
        (Kind.VIDEO, Direction.SUBSCRIBE, SCREEN_SLOT, True),
    ]
    screen_slot = answer(browser_offer(browser))[-1]
    assert "a=msid:screen screen-video\r\n" in screen_slot


@pytest.mark.parametrize("browser", BROWSERS)
def test_one_section_shows_the_screen_and_more_are_rejected(browser: str) -> None:
    *before, last = re.split(r"(?=^m=)", browser_offer(browser), flags=re.MULTILINE)
    mid = re.search(r"^a=mid:(.*?)\r$", last, re.MULTILINE)
    assert mid is not None
    more = [last.replace(mid[0], f"a=mid:{number}\r") for number in (20, 21, 22)]
    bundle = f"BUNDLE{''.join(f' {number}' for number in (20, 21, 22))}"
    offer = "".join([*before, last, *more]).replace("BUNDLE", bundle)
    negotiation = Negotiation()
    negotiated = negotiation.accept(read_offer(offer), h264_by_all=True)
    assert [each.mid for each in negotiated.sections if each.slot == SCREEN_SLOT] == [mid[1]]
    assert write_answer(read_offer(offer), negotiated, LOCAL).count("\r\nm=video 0 ") == 3
    # When that one pauses another may show it.
    paused = "".join([*before, last.replace("a=recvonly", "a=inactive"), *more]).replace("BUNDLE", bundle)
    again = negotiation.accept(read_offer(paused), h264_by_all=True)
    assert [each.mid for each in again.sections if each.slot == SCREEN_SLOT] == ["20"]


@pytest.mark.parametrize(
    ("line", "rids"),
    [
        ("a=simulcast:send h;m;l", ("l", "m", "h")),
        ("a=simulcast:recv x send m;~l,h", ("l", "m")),
        ("a=simulcast:send l;h recv x", ("l", "h")),
        ("a=simulcast:send four;h", ("h", "four")),
        ("a=simulcast:send m;m;l", ("l", "m")),
        ("a=simulcast:send h;m;l;four", ("l", "m", "h")),
        ("a=simulcast:send l;unknown", ()),
        ("a=simulcast:send l", ()),
        ("a=simulcast:recv l;m", ()),
        ("a=simulcast:send", ()),
        ("a=simulcast:", ()),
        ("a=simulcast:send ;;,~;", ()),
    ],
)
def test_other_ways_to_offer_layers(line: str, rids: tuple[str, ...]) -> None:
    text = browser_offer(BROWSERS[0]).replace("a=simulcast:send h;m;l", "a=rid:four send\r\n" + line)
    assert accept(text).sections[1].rids == rids


def test_layers_need_their_header_extensions_and_vp8() -> None:
    text = browser_offer(BROWSERS[0])
    assert accept(text.replace("sdes:rtp-stream-id", "sdes:something")).sections[1].rids == ()
    without = accept(text.replace("VP8/", "VP7/")).sections[1]
    assert without.rids == ()
    assert [codec.name for codec in without.codecs] == ["H264"]


def test_a_rid_too_long_for_its_extension_is_left_out() -> None:
    text = browser_offer(BROWSERS[0])
    long = "x" * 17
    text = text.replace("a=rid:m send", f"a=rid:{long} send").replace("send h;m;l", f"send h;{long};l")
    assert accept(text).sections[1].rids == ("l", "h")
