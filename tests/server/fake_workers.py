"""Workers that are played: their end of the link, and a listener whose news can be waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from contract.errors import ErrorCode
from contract.ids import PeerId, RoomId
from mediaserver.link_frames import encode_frame, read_frame
from mediaserver.link_messages import (
    Answer,
    Disconnect,
    DoneReply,
    Downward,
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
)
from rooms.messages import ConnectionState, MediaWanted, SessionDescription, SlotView
from server.media_link import MediaLink

ROOM, PEER = RoomId("apt_1"), PeerId("prt_1")
OFFER = SessionDescription(connection="c1", number=1, sdp="offer")


class FakeWorker:
    """A worker's end of the link that answers what it is told to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.alive: tuple[PeerEntry, ...] = ()
        self.slots: tuple[Slots, ...] = ()
        self.refuses: ErrorCode | str | None = None
        self.refuses_screens = False
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
            elif (code := self._refusal(request)) is not None:
                if self.frees_first is not None:
                    writer.write(encode_frame(self.frees_first))
                writer.write(encode_frame(Refusal(request.request, str(code), "no")))
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

    def _refusal(self, request: Downward) -> ErrorCode | str | None:
        return ErrorCode.INTERNAL if self.refuses_screens and isinstance(request, ShareScreen) else self.refuses

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


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)
