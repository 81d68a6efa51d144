"""The link to the workers: placement, the spare, adoption after a restart, refusals; the workers are played."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from contract.errors import ConflictError, ErrorCode, InputError, MissingError, UnavailableError
from contract.ids import PeerId, RoomId
from mediaserver.link_frames import encode_frame, read_frame
from mediaserver.link_messages import (
    Answer,
    Disconnect,
    DoneReply,
    Downward,
    FlowEntry,
    Inventory,
    InventoryReply,
    Measure,
    MeasureReply,
    Notice,
    Offer,
    PeerEntry,
    PeerState,
    Ping,
    Pong,
    Refusal,
    RoomCounters,
    ShareScreen,
    SlotEntry,
    Slots,
    Speaker,
    Wanted,
)
from rooms.media_port import Flow, LinkMeasure, LivingMedia, RoomMeasure
from rooms.messages import ConnectionState, MediaWanted, SessionDescription, SlotView, Tile, TileSize
from server import worker_link
from server.media_link import MediaLink
from server.worker_link import WorkerLink
from server.worker_process import WorkerProcess

ROOM, PEER = RoomId("apt_1"), PeerId("prt_1")
OFFER = SessionDescription(connection="c1", number=1, sdp="offer")


class FakeWorker:
    """A worker's end of the link that answers what it is told to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.alive: tuple[PeerEntry, ...] = ()
        self.slots: tuple[Slots, ...] = ()
        self.refuses: ErrorCode | str | None = None
        self.silent = False
        self.cpu_microseconds = 0
        self.works = 0
        self.counted: RoomCounters | None = None
        self.frees_first: PeerState | None = None
        self.hangs = False
        self.hangs_up = False
        self.accepted = 0
        self.offers: list[Offer] = []
        self.freed: asyncio.Queue[str] = asyncio.Queue()
        self.screens: list[str | None] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def die(self) -> None:
        """As a killed process: the socket file stays, nobody listens."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def tell(self, notice: Notice) -> None:
        for writer in self._writers:
            writer.write(encode_frame(notice))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.hangs_up:
            writer.close()
            return
        self._writers.append(writer)
        decoder: msgspec.msgpack.Decoder[Downward] = msgspec.msgpack.Decoder(Downward)
        while (request := await read_frame(reader, decoder)) is not None:
            if self.hangs:
                continue
            if isinstance(request, Inventory):
                told = (InventoryReply(request.request, self.alive), *self.slots)
                writer.write(b"".join(encode_frame(one) for one in told))
            elif isinstance(request, Ping | Measure):
                writer.write(encode_frame(self._counted(request)))
            elif self.refuses is not None:
                if self.frees_first is not None:
                    writer.write(encode_frame(self.frees_first))
                writer.write(encode_frame(Refusal(request.request, str(self.refuses), "no")))
            elif self.silent:
                self.cut()
            elif isinstance(request, Offer):
                self.offers.append(request)
                writer.write(encode_frame(Answer(request.request, "answer", (SlotEntry("2", None),), 1)))
            else:
                if isinstance(request, Disconnect):
                    self.freed.put_nowait(request.peer)
                if isinstance(request, ShareScreen):
                    self.screens.append(request.peer)
                writer.write(encode_frame(DoneReply(request.request)))
        writer.close()

    def _counted(self, request: Ping | Measure) -> Pong | MeasureReply:
        if isinstance(request, Ping):
            self.cpu_microseconds += self.works
            return Pong(request.request, self.cpu_microseconds)
        return MeasureReply(request.request, {} if self.counted is None else dict.fromkeys(request.rooms, self.counted))


class Heard:
    """A listener whose news can be waited for."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[tuple[object, ...]] = asyncio.Queue()

    def peer_state_changed(self, room: RoomId, peer: PeerId, state: ConnectionState) -> None:
        self.news.put_nowait(("state", room, peer, state))

    def slots_changed(self, room: RoomId, peer: PeerId, slots: tuple[SlotView, ...], missing: int) -> None:
        self.news.put_nowait(("slots", room, peer, slots, missing))

    def wanted_changed(self, room: RoomId, peer: PeerId, wanted: MediaWanted) -> None:
        self.news.put_nowait(("wanted", room, peer, wanted))

    def speaker_changed(self, room: RoomId, speaker: PeerId | None) -> None:
        self.news.put_nowait(("speaker", room, speaker))

    def worker_lost(self, rooms: frozenset[RoomId]) -> None:
        self.news.put_nowait(("lost", rooms))

    async def next(self) -> tuple[object, ...]:
        return await asyncio.wait_for(self.news.get(), 20)


@asynccontextmanager
async def workers(
    folder: Path, count: int = 2, prepare: Callable[[list[FakeWorker]], None] = lambda _: None
) -> AsyncIterator[tuple[MediaLink, list[FakeWorker], Heard]]:
    made = [FakeWorker(folder / f"{index}.sock") for index in range(count)]
    prepare(made)
    for worker in made:
        await worker.start()
    link = MediaLink([worker.path for worker in made])
    heard = Heard()
    link.listen(heard)
    await link.start(20)
    try:
        yield link, made, heard
    finally:
        await link.close()
        for worker in made:
            await worker.die()
        await asyncio.sleep(0)


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


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_new_room_goes_to_the_worker_with_the_least_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_link, "PING_SECONDS", 0.05)

    def busy(made: list[FakeWorker]) -> None:
        made[0].works = 1_000_000

    async with workers(tmp_path, 3, busy) as (link, (busy_one, idle_one, spare), _):
        await until(lambda: link.workers()[0].cpu_share > 0.5)
        for number in range(5):
            await link.offer(RoomId(f"apt_{number}"), PEER, OFFER)
        assert [len(one.offers) for one in (busy_one, idle_one, spare)] == [0, 5, 0]


async def test_a_retired_worker_gets_no_rooms_and_ends_when_its_own_are_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    monkeypatch.setattr(WorkerLink, "end_worker", lambda self: ended.append(self.path.stem))
    async with workers(tmp_path, 3) as (link, made, heard):
        await link.offer(ROOM, PEER, OFFER)
        (name,) = [one.name for one in link.workers() if one.rooms]
        retired = link.retire(name, at_once=False)
        assert (retired.retiring, retired.rooms, ended) == (True, 1, [])
        for number in range(3):
            await link.offer(RoomId(f"later_{number}"), PEER, OFFER)
        assert next(one for one in link.workers() if one.name == name).rooms == 1
        await link.disconnect(ROOM, PEER)
        assert ended == [name]
        worker = made[int(name)]
        await worker.die()
        await until(lambda: not link.workers()[int(name)].up)
        worker.path.unlink(missing_ok=True)
        await worker.start()
        await until(lambda: link.workers()[int(name)].up)
        anew = link.workers()[int(name)]
        assert (anew.retiring, anew.spare, anew.losses) == (False, True, 1)
        assert heard.news.empty(), "nobody lost anything"


async def test_only_workers_that_are_there_can_be_retired(tmp_path: Path) -> None:
    async with workers(tmp_path, 1) as (link, [worker], _):
        with pytest.raises(MissingError):
            link.retire("worker-9", at_once=True)
        await worker.die()
        await until(lambda: not link.ready)
        with pytest.raises(UnavailableError):
            link.retire("0", at_once=True)


async def test_what_a_worker_counted_of_rooms_is_asked_of_the_right_one(tmp_path: Path) -> None:
    async with workers(tmp_path, 3) as (link, made, _):
        other = RoomId("apt_2")
        await link.offer(ROOM, PEER, OFFER)
        await link.offer(other, PEER, OFFER)
        peer = {"uplink_fraction_lost": 64, "downlink_fraction_lost": 128, "round_trip_ms": 250, "pictures_reduced": 1}
        for worker in made:
            worker.counted = RoomCounters({PEER: peer}, (FlowEntry(PEER, "prt_2", 3, 4),))
        measured = await link.measure([ROOM, other, RoomId("nowhere")])
        assert set(measured) == {ROOM, other}
        assert measured[ROOM] == RoomMeasure(
            {PEER: LinkMeasure(0.25, 0.5, 0.25, pictures_reduced=1)}, (Flow(PEER, PeerId("prt_2"), 3, 4),)
        )
        await made[0].die()
        await made[1].die()
        assert await link.measure([ROOM, other]) == {}
