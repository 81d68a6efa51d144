"""Offers, answers and slots of a worker's rooms. No packet is sent here."""

import asyncio
import re

import pytest

from contract.errors import ConflictError, ErrorCode, InputError, LimitError, MissingError
from mediaserver.drops import Drop
from mediaserver.link_messages import SlotEntry
from mediaserver.settings import MAXIMUM_OFFERS
from tests.mediaserver.conftest import WorkerUnderTest
from tests.mediaserver.raw_client import browser_offer

CHROMIUM = browser_offer("chromium")


def audience(text: str) -> str:
    """An offer that sends nothing."""
    return text.replace("a=sendonly", "a=inactive")


def on_slots(entries: tuple[SlotEntry, ...]) -> list[str | None]:
    assert [entry.peer for entry in entries[::2]] == [entry.peer for entry in entries[1::2]]
    return [entry.peer for entry in entries[::2]]


async def test_slots_fill_in_the_order_of_joining_and_stay(media: WorkerUnderTest) -> None:
    assert on_slots(media.offer("anna", CHROMIUM).slots) == [None, None]
    assert on_slots(media.offer("boris", CHROMIUM).slots) == ["anna", None]
    assert on_slots(media.offer("vera", CHROMIUM).slots) == ["anna", "boris"]
    assert [on_slots(told.slots) for told in media.slots_told("anna")] == [["boris", None], ["boris", "vera"]]
    media.worker.disconnect("room", "anna")
    assert on_slots(media.slots_told("vera")[-1].slots) == [None, "boris"]
    media.offer("gleb", CHROMIUM)
    assert on_slots(media.slots_told("vera")[-1].slots) == ["gleb", "boris"]


async def test_too_few_slots_are_told_and_a_second_offer_mends_it(media: WorkerUnderTest) -> None:
    for name in ("anna", "boris", "vera"):
        media.offer(name, CHROMIUM)
    answer = media.offer("gleb", CHROMIUM)
    assert answer.missing_slots == 1
    assert media.slots_told("anna")[-1].missing_slots == 1
    sections = re.split(r"(?=^m=)", CHROMIUM, flags=re.MULTILINE)
    added = [re.sub(r"a=mid:\d+", f"a=mid:{mid}", sections[at]) for at, mid in ((5, 6), (6, 7))]
    larger = "".join([*sections, *added]).replace("BUNDLE 0 1 2 3 4 5", "BUNDLE 0 1 2 3 4 5 6 7")
    answer = media.offer("gleb", larger, number=2)
    assert answer.missing_slots == 0
    assert on_slots(answer.slots) == ["anna", "boris", "vera"]


async def test_one_room_knows_nothing_of_another(media: WorkerUnderTest) -> None:
    media.offer("anna", CHROMIUM, room="one")
    assert on_slots(media.offer("boris", CHROMIUM, room="two").slots) == [None, None]


def camera_formats(answer: str) -> list[str]:
    """What the client may send its picture in."""
    camera = re.split(r"(?=^m=)", answer, flags=re.MULTILINE)[2]
    assert "a=recvonly" in camera
    return [name for name in re.findall(r"a=rtpmap:\d+ (\w+)/", camera) if name != "rtx"]


async def test_h264_is_for_rooms_where_everybody_has_it(media: WorkerUnderTest) -> None:
    without_h264 = CHROMIUM.replace("H264/90000", "H261/90000")
    assert camera_formats(media.offer("anna", CHROMIUM).sdp) == ["VP8", "H264"]
    assert camera_formats(media.offer("boris", without_h264).sdp) == ["VP8"]
    assert camera_formats(media.offer("vera", CHROMIUM).sdp) == ["VP8"]
    assert camera_formats(media.offer("anna", CHROMIUM, number=2).sdp) == ["VP8"]
    media.worker.disconnect("room", "boris")
    assert camera_formats(media.offer("vera", CHROMIUM, number=2).sdp) == ["VP8", "H264"]


async def test_who_has_nothing_but_h264_is_seen_by_those_who_can(media: WorkerUnderTest) -> None:
    media.offer("anna", CHROMIUM.replace("H264/90000", "H261/90000"))
    assert camera_formats(media.offer("boris", CHROMIUM.replace("VP8/90000", "VP7/90000")).sdp) == ["H264"]


async def test_a_repeated_offer_gets_the_stored_answer_and_an_older_one_is_stale(media: WorkerUnderTest) -> None:
    first = media.offer("anna", CHROMIUM, number=1)
    assert media.offer("anna", CHROMIUM, number=1).sdp == first.sdp
    second = media.offer("anna", CHROMIUM, number=2)
    assert second.sdp != first.sdp
    assert ssrcs(second.sdp) == ssrcs(first.sdp)
    with pytest.raises(ConflictError) as caught:
        media.offer("anna", CHROMIUM, number=1)
    assert caught.value.code is ErrorCode.STALE_OFFER


async def test_new_ice_credentials_are_answered_with_new_ones(media: WorkerUnderTest) -> None:
    first = media.offer("anna", CHROMIUM, number=1)
    same = media.offer("anna", CHROMIUM, number=2)
    restarted = re.sub(r"a=ice-ufrag:\S+", "a=ice-ufrag:again", CHROMIUM)
    changed = media.offer("anna", restarted, number=3)
    assert ufrag(first.sdp) == ufrag(same.sdp) != ufrag(changed.sdp)


async def test_a_new_connection_replaces_the_old_one_in_its_place(media: WorkerUnderTest) -> None:
    media.offer("anna", CHROMIUM)
    media.offer("boris", CHROMIUM)
    media.offer("vera", CHROMIUM)
    media.notices.clear()
    media.offer("anna", CHROMIUM, connection="second")
    assert [(item.peer, item.connection) for item in media.worker.inventory()] == [
        ("anna", "second"),
        ("boris", "first"),
        ("vera", "first"),
    ]
    assert media.states("anna") == ["freed"]
    assert not media.slots_told("boris")
    assert not media.slots_told("vera")


async def test_a_bad_offer_changes_nothing(media: WorkerUnderTest) -> None:
    media.offer("anna", CHROMIUM)
    before = media.worker.inventory()
    for number, connection in ((2, "first"), (1, "second")):
        with pytest.raises(InputError):
            media.offer("anna", "nonsense", number=number, connection=connection)
    with pytest.raises(InputError):
        media.offer("boris", CHROMIUM.replace("opus/", "speex/").replace("VP8/", "VP7/").replace("H264/", "H261/"))
    another_certificate = re.sub(r"a=fingerprint:sha-256 ..", "a=fingerprint:sha-256 00", CHROMIUM)
    with pytest.raises(InputError):
        media.offer("anna", another_certificate, number=2)
    assert media.worker.inventory() == before
    assert media.notices == []


async def test_what_one_connection_leaves_behind_is_bounded(media: WorkerUnderTest) -> None:
    for number in range(1, MAXIMUM_OFFERS + 1):
        media.offer("anna", CHROMIUM, number=number)
    with pytest.raises(InputError) as refused:
        media.offer("anna", CHROMIUM, number=MAXIMUM_OFFERS + 1)
    assert refused.value.code is ErrorCode.BAD_OFFER
    assert media.offer("anna", CHROMIUM, number=MAXIMUM_OFFERS).sdp
    media.offer("anna", CHROMIUM, connection="another")


async def test_at_most_eight_people_send(media: WorkerUnderTest) -> None:
    for number in range(8):
        media.offer(f"sender-{number}", CHROMIUM)
    with pytest.raises(LimitError) as caught:
        media.offer("one-too-many", CHROMIUM)
    assert caught.value.code is ErrorCode.ROOM_FULL
    listener = media.offer("listener", audience(CHROMIUM))
    assert listener.missing_slots == 6
    with pytest.raises(LimitError):
        media.offer("listener", CHROMIUM, number=2)
    media.offer("sender-3", CHROMIUM, connection="second")


async def test_an_empty_room_is_forgotten(media: WorkerUnderTest) -> None:
    media.offer("anna", CHROMIUM)
    media.worker.disconnect("room", "anna")
    media.worker.disconnect("room", "anna")
    assert media.worker.counters()["rooms"] == 0
    with pytest.raises(MissingError):
        media.worker.view("room", "anna", ())


def ssrcs(text: str) -> set[str]:
    return set(re.findall(r"a=ssrc:(\d+)", text))


def ufrag(text: str) -> str:
    found = re.search(r"a=ice-ufrag:(\S+)", text)
    assert found is not None
    return found[1]


async def test_the_fault_of_one_peer_does_not_stop_the_others(
    media: WorkerUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    media.offer("anna", CHROMIUM)
    media.offer("boris", CHROMIUM)
    anna, boris = (media.worker._find("room", name) for name in ("anna", "boris"))
    assert anna is not None
    assert boris is not None
    ticked = asyncio.Event()

    def broken(_now: float) -> None:
        raise RuntimeError

    def whole(_now: float) -> None:
        ticked.set()

    monkeypatch.setattr(anna.transport.media, "tick", broken)
    monkeypatch.setattr(boris.transport.media, "tick", whole)
    await asyncio.wait_for(ticked.wait(), 20)
    assert media.drops.counts[Drop.FAULT]
