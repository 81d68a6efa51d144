"""The link to the workers: placement, the spare, adoption after a restart, refusals; the workers are played."""

import asyncio
import threading
from pathlib import Path

import pytest

from contract.errors import ConflictError, ErrorCode, InputError, KonsiliumError, UnavailableError
from contract.ids import PeerId, RoomId
from mediaserver.link_messages import (
    PeerEntry,
    PeerState,
    SlotEntry,
    Slots,
    Speaker,
    Wanted,
)
from mediaserver.transport_state import TransportState
from rooms.media_port import LivingMedia
from rooms.messages import ConnectionState, MediaWanted, SessionDescription, SlotView, Tile, TileSize
from server import media_link, worker_link
from server.media_link import MediaLink
from server.worker_process import WorkerProcess
from tests.server.fake_workers import OFFER, PEER, ROOM, FakeWorker, workers


async def test_an_offer_is_answered_and_the_room_stays_on_its_worker(tmp_path: Path) -> None:
    async with workers(tmp_path, 3) as (link, made, _):
        answer = await link.offer(ROOM, PEER, OFFER)
        assert (answer.description.connection, answer.description.number, answer.description.sdp) == ("c1", 1, "answer")
        assert (answer.slots, answer.missing_slots) == ((SlotView(mid="2", participant=None),), 1)
        await link.offer(ROOM, PeerId("prt_2"), OFFER)
        await link.offer(RoomId("apt_2"), PEER, OFFER)
        assert sorted(len(worker.offers) for worker in made[:2]) == [1, 2]
        assert not made[2].offers, "the spare has no rooms"


async def test_the_spare_takes_over_when_a_worker_dies(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, (worker, spare), heard):
        await link.offer(ROOM, PEER, OFFER)
        await worker.die()
        assert await heard.next() == ("lost", frozenset({ROOM}))
        assert not link.resume(ROOM, PEER, "c1")
        await link.offer(ROOM, PEER, SessionDescription(connection="c2", number=1, sdp="offer"))
        assert [offer.connection for offer in spare.offers] == ["c2"]
        worker.path.unlink(missing_ok=True)
        await worker.start()
        async with asyncio.timeout(20):
            while not worker._writers:
                await asyncio.sleep(0.02)
        await spare.die()
        assert await heard.next() == ("lost", frozenset({ROOM}))
        await link.offer(ROOM, PEER, SessionDescription(connection="c3", number=1, sdp="offer"))
        assert [offer.connection for offer in worker.offers] == ["c1", "c3"]


async def test_the_spare_takes_over_from_a_worker_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_link, "PING_SECONDS", 0.3)
    async with workers(tmp_path) as (link, (worker, spare), heard):
        await link.offer(ROOM, PEER, OFFER)
        await asyncio.sleep(2.0)
        assert heard.news.empty(), "a worker that answers is left alone"
        worker.hangs = True
        assert await heard.next() == ("lost", frozenset({ROOM}))
        await link.offer(ROOM, PEER, SessionDescription(connection="c2", number=1, sdp="offer"))
        assert [offer.connection for offer in spare.offers] == ["c2"]


async def test_a_new_server_takes_up_what_lives(tmp_path: Path) -> None:
    def alive(made: list[FakeWorker]) -> None:
        made[0].alive = (PeerEntry(ROOM, PEER, "c1", 3, "live"),)
        made[0].slots = (Slots(ROOM, PEER, (SlotEntry("2", "prt_2"),), 1),)

    async with workers(tmp_path, 2, alive) as (link, made, _):
        shown = (SlotView(mid="2", participant="prt_2"),)
        assert link.resume(ROOM, PEER, "c1") == LivingMedia(ConnectionState.LIVE, shown, 1)
        assert not link.resume(ROOM, PEER, "c2")
        assert not link.resume(ROOM, PeerId("prt_2"), "c1")
        await link.offer(ROOM, PeerId("prt_2"), OFFER)
        assert len(made[0].offers) == 1


async def test_a_cut_link_loses_only_what_died_meanwhile(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, (worker, _), heard):
        await link.offer(ROOM, PEER, OFFER)
        worker.alive = (PeerEntry(ROOM, PEER, "c1", 1, "live"),)
        worker.cut()
        async with asyncio.timeout(20):
            while not worker._writers:
                await asyncio.sleep(0.02)
        assert await heard.next() == ("state", ROOM, PEER, ConnectionState.LIVE)
        worker.tell(PeerState(ROOM, PEER, "c1", "unstable"))
        assert await heard.next() == ("state", ROOM, PEER, ConnectionState.UNSTABLE)
        worker.alive = ()
        worker.cut()
        assert await heard.next() == ("lost", frozenset({ROOM}))


async def test_a_fault_of_a_listener_does_not_end_the_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with workers(tmp_path) as (link, (worker, _), heard):
        await link.offer(ROOM, PEER, OFFER)

        def fault(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(heard, "slots_changed", fault)
        worker.tell(Slots(ROOM, PEER, (SlotEntry("2", "prt_2"),), 0))
        worker.tell(PeerState(ROOM, PEER, "c1", "live"))
        assert await heard.next() == ("state", ROOM, PEER, ConnectionState.LIVE)


async def test_a_fault_of_a_listener_does_not_hide_the_next_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workers(tmp_path, 1) as (link, [worker], heard):
        await link.offer(ROOM, PEER, OFFER)

        def fault(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(heard, "worker_lost", fault)
        await worker.die()
        async with asyncio.timeout(20):
            while link.ready:
                await asyncio.sleep(0.02)
            worker.path.unlink(missing_ok=True)
            await worker.start()
            while not link.ready:
                await asyncio.sleep(0.02)


async def test_a_worker_that_hangs_up_at_once_is_not_asked_without_a_pause(tmp_path: Path) -> None:
    async with workers(tmp_path, 1) as (link, [worker], _):
        worker.hangs_up = True
        worker.cut()
        await asyncio.sleep(1.0)
        assert worker.accepted < 20
        worker.hangs_up = False
        async with asyncio.timeout(20):
            while not worker._writers:
                await asyncio.sleep(0.02)
        await link.offer(ROOM, PEER, OFFER)


async def test_what_is_found_too_late_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finding, found = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    class Found:
        def close(self) -> None:
            loop.call_soon_threadsafe(found.set)

    def behind(_: object) -> Found:
        finding.wait(20)
        return Found()

    with monkeypatch.context() as patched:
        patched.setattr(WorkerProcess, "behind", behind)
        async with workers(tmp_path, 1):
            pass
        finding.set()
        await asyncio.wait_for(found.wait(), 20)


async def test_what_changed_while_the_link_was_cut_is_told(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, (worker, _), heard):
        await link.offer(ROOM, PEER, OFFER)
        await link.offer(ROOM, PeerId("prt_2"), OFFER)
        worker.alive = (PeerEntry(ROOM, PEER, "c1", 1, "unstable"),)
        worker.slots = (Slots(ROOM, PEER, (SlotEntry("2", "prt_3"),), 0),)
        worker.cut()
        assert await heard.next() == ("state", ROOM, PeerId("prt_2"), ConnectionState.GONE)
        assert await heard.next() == ("state", ROOM, PEER, ConnectionState.UNSTABLE)
        assert await heard.next() == ("slots", ROOM, PEER, (SlotView(mid="2", participant="prt_3"),), 0)


async def test_notices_are_told_and_those_of_old_connections_are_not(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, (worker, _), heard):
        await link.offer(ROOM, PEER, OFFER)
        worker.tell(PeerState(ROOM, PEER, "c0", "gone"))
        worker.tell(PeerState(ROOM, PEER, "c1", "live"))
        worker.tell(Slots(ROOM, PEER, (SlotEntry("2", "prt_2"),), 0))
        assert await heard.next() == ("state", ROOM, PEER, ConnectionState.LIVE)
        assert await heard.next() == ("slots", ROOM, PEER, (SlotView(mid="2", participant="prt_2"),), 0)
        worker.tell(PeerState(ROOM, PEER, "c1", "freed"))
        assert await heard.next() == ("state", ROOM, PEER, ConnectionState.GONE)
        assert not link.resume(ROOM, PEER, "c1")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ErrorCode.BAD_OFFER, InputError),
        (ErrorCode.STALE_OFFER, ConflictError),
        (ErrorCode.MEDIA_UNAVAILABLE, UnavailableError),
        ("something new", UnavailableError),
    ],
)
async def test_refusals_become_errors(tmp_path: Path, code: ErrorCode | str, kind: type[Exception]) -> None:
    async with workers(tmp_path) as (link, made, _):
        made[0].refuses = code
        with pytest.raises(kind):
            await link.offer(ROOM, PEER, OFFER)
        assert not link.resume(ROOM, PEER, "c1")


async def test_a_worker_that_dies_over_an_offer_is_an_error_not_a_hang(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, made, _):
        made[0].silent = True
        with pytest.raises(UnavailableError):
            await link.offer(ROOM, PEER, OFFER)


async def test_who_left_while_the_link_was_cut_is_freed_when_it_is_back(tmp_path: Path) -> None:
    """Or somebody who was sent out would go on listening."""
    async with workers(tmp_path, 1) as (link, [worker], heard):
        other = PeerId("prt_2")
        await link.offer(ROOM, PEER, OFFER)
        await link.offer(ROOM, other, OFFER)
        worker.alive = (PeerEntry(ROOM, PEER, "c1", 1, "live"), PeerEntry(ROOM, other, "c1", 1, "live"))
        worker.silent = True
        await link.disconnect(ROOM, PEER)
        worker.silent = False
        assert await asyncio.wait_for(worker.freed.get(), 20) == PEER
        assert await heard.next() == ("state", ROOM, other, ConnectionState.LIVE)
        assert link.peers() == ((ROOM, other),)
        assert link.resume(ROOM, PEER, "c1") is None


async def test_leaving_frees_the_place(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, (worker, _), heard):
        await link.offer(ROOM, PEER, OFFER)
        await link.view(ROOM, PEER, (Tile(mid="3", size=TileSize.SMALL),))
        await link.disconnect(ROOM, PEER)
        await link.disconnect(ROOM, PeerId("never there"))
        await worker.die()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(heard.news.get(), 0.3)


async def test_a_shared_screen_is_told_with_each_new_connection_of_its_owner(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, made, heard):
        await link.offer(ROOM, PEER, OFFER)
        await link.share_screen(ROOM, PEER)
        assert made[0].screens == [PEER]
        await link.offer(ROOM, PEER, SessionDescription(connection="c1", number=2, sdp="offer"))
        await link.offer(ROOM, PeerId("another"), OFFER)
        assert made[0].screens == [PEER]
        await made[0].die()
        assert (await heard.next())[0] == "lost"
        await link.offer(ROOM, PEER, SessionDescription(connection="c2", number=1, sdp="offer"))
        assert made[1].screens == [PEER]
        await link.disconnect(ROOM, PEER)
        await link.offer(ROOM, PEER, SessionDescription(connection="c3", number=1, sdp="offer"))
        assert made[1].screens == [PEER]


async def test_a_screen_that_the_worker_refused_is_nobodys(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, made, _):
        await link.offer(ROOM, PEER, OFFER)
        made[0].refuses_screens = True
        with pytest.raises(KonsiliumError):
            await link.share_screen(ROOM, PEER)
        made[0].refuses_screens = False
        await link.offer(ROOM, PEER, SessionDescription(connection="c2", number=1, sdp="offer"))
        assert made[0].screens == []
        living = link.resume(ROOM, PEER, "c2")
        assert living is not None
        assert not living.shares_screen


async def test_an_offer_that_was_answered_stays_so_whatever_becomes_of_the_screen(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, made, _):
        await link.offer(ROOM, PEER, OFFER)
        await link.share_screen(ROOM, PEER)
        made[0].refuses_screens = True
        answered = await link.offer(ROOM, PEER, SessionDescription(connection="c2", number=1, sdp="offer"))
        assert answered.missing_slots == 1
        living = link.resume(ROOM, PEER, "c2")
        assert living is not None
        assert living.slots == answered.slots


async def test_what_is_wanted_is_told_and_kept_for_who_comes_back(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, made, heard):
        await link.offer(ROOM, PEER, OFFER)
        made[0].tell(Wanted(ROOM, PEER, "an earlier one", ("l", "h"), screen=True))
        made[0].tell(Wanted(ROOM, PEER, OFFER.connection, ("l", "m"), screen=False))
        wanted = MediaWanted(connection=OFFER.connection, camera=("l", "m"), screen=False)
        assert await heard.next() == ("wanted", ROOM, PEER, wanted)
        living = link.resume(ROOM, PEER, OFFER.connection)
        assert living is not None
        assert living.wanted == wanted
        assert not living.shares_screen


async def test_who_speaks_is_told_of_rooms_that_are_there(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, made, heard):
        await link.offer(ROOM, PEER, OFFER)
        made[0].tell(Speaker("another room", PEER))
        made[1].tell(Speaker(ROOM, PEER))
        made[0].tell(Speaker(ROOM, PEER))
        made[0].tell(Speaker(ROOM, None))
        assert await heard.next() == ("speaker", ROOM, PEER)
        assert await heard.next() == ("speaker", ROOM, None)


async def test_a_new_server_finds_out_who_shares_a_screen(tmp_path: Path) -> None:
    def prepare(made: list[FakeWorker]) -> None:
        made[0].alive = (PeerEntry(ROOM, PEER, "c1", 1, "live", shares_screen=True),)

    async with workers(tmp_path, prepare=prepare) as (link, _, _):
        living = link.resume(ROOM, PEER, "c1")
        assert living is not None
        assert living.shares_screen


async def test_no_worker_at_all_is_said(tmp_path: Path) -> None:
    link = MediaLink([tmp_path / "0.sock"])
    try:
        with pytest.raises(UnavailableError):
            await link.start(0.1)
        with pytest.raises(UnavailableError):
            await link.offer(ROOM, PEER, OFFER)
    finally:
        await link.close()


async def test_a_peer_that_was_freed_while_an_offer_was_refused_is_not_brought_back(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, (worker, _), heard):
        await link.offer(ROOM, PEER, OFFER)
        worker.frees_first = PeerState(ROOM, PEER, "c1", "freed")
        worker.refuses = ErrorCode.BAD_OFFER
        with pytest.raises(InputError):
            await link.offer(ROOM, PEER, SessionDescription(connection="c2", number=1, sdp="offer"))
        assert await heard.next() == ("state", ROOM, PEER, ConnectionState.GONE)
        assert link.peers() == ()


async def test_what_happened_to_a_connection_while_the_next_one_was_refused_is_not_lost(tmp_path: Path) -> None:
    async with workers(tmp_path) as (link, (worker, _), _):
        await link.offer(ROOM, PEER, OFFER)
        worker.frees_first = PeerState(ROOM, PEER, "c1", "unstable")
        worker.refuses = ErrorCode.BAD_OFFER
        with pytest.raises(InputError):
            await link.offer(ROOM, PEER, SessionDescription(connection="c2", number=1, sdp="offer"))
        assert link.state_of(ROOM, PEER) is ConnectionState.UNSTABLE
        assert link.resume(ROOM, PEER, "c1") is not None


def test_every_state_that_a_worker_tells_has_a_word_for_the_others() -> None:
    told = {TransportState.CONNECTING if one is TransportState.NEW else one for one in TransportState}
    assert set(media_link._STATES) == {one.value for one in told}
    others = set(media_link._STATES.values())
    assert others <= {state for state in ConnectionState if state is not ConnectionState.ABSENT}
