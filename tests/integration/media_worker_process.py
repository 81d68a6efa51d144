"""A real media worker process and the server's end of its link, for tests."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import TypeVar

import msgspec

from mediaserver.link_frames import encode_frame, read_frame
from mediaserver.link_messages import (
    Answer,
    Disconnect,
    DoneReply,
    Inventory,
    InventoryReply,
    Notice,
    Offer,
    PeerState,
    Refusal,
    Reply,
    Request,
    Slots,
    Speaker,
    Statistics,
    StatisticsReply,
    Upward,
)

PATIENCE = 20.0
_R = TypeVar("_R", bound=Reply)
_N = TypeVar("_N", bound=Notice)


class Link:
    """The server's end of one link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._changed = asyncio.Condition()
        self.notices: list[Notice] = []
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, path: Path) -> "Link":
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return cls(*await asyncio.open_unix_connection(path))
                except (FileNotFoundError, ConnectionRefusedError):
                    await asyncio.sleep(0.05)

    async def ask(self, request: Request, expected: type[_R]) -> _R:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[request.request] = future
        self._writer.write(encode_frame(request))
        async with asyncio.timeout(PATIENCE):
            reply = await future
        assert isinstance(reply, expected), reply
        return reply

    def number(self) -> int:
        return next(self._numbers)

    def offer(self, room: str, peer: str, connection: str, number: int, sdp: str) -> Offer:
        return Offer(self.number(), room, peer, connection, number, sdp)

    async def answer(self, room: str, peer: str, connection: str, number: int, sdp: str) -> Answer:
        return await self.ask(self.offer(room, peer, connection, number, sdp), Answer)

    async def refusal(self, room: str, peer: str, connection: str, number: int, sdp: str) -> Refusal:
        return await self.ask(self.offer(room, peer, connection, number, sdp), Refusal)

    async def inventory(self) -> InventoryReply:
        return await self.ask(Inventory(self.number()), InventoryReply)

    async def statistics(self) -> StatisticsReply:
        return await self.ask(Statistics(self.number()), StatisticsReply)

    async def disconnect(self, room: str, peer: str) -> None:
        await self.ask(Disconnect(self.number(), room, peer), DoneReply)

    async def state(self, peer: str, state: str) -> PeerState:
        """Waits until the peer was told to be in this state."""

        def told() -> PeerState | None:
            states = (notice for notice in self.notices if isinstance(notice, PeerState))
            return next((notice for notice in states if (notice.peer, notice.state) == (peer, state)), None)

        return await self._told(told)

    async def on_slots(self, peer: str, others: set[str | None]) -> Slots:
        """Waits until exactly these were last told to be on the peer's slots."""

        def told() -> Slots | None:
            last = self.slots_of(peer)[-1:]
            return last[0] if last and {entry.peer for entry in last[0].slots} == others else None

        return await self._told(told)

    async def _told(self, look: Callable[[], _N | None]) -> _N:
        async with asyncio.timeout(PATIENCE), self._changed:
            while (found := look()) is None:
                await self._changed.wait()
            return found

    async def speaker(self, peer: str | None) -> None:
        """Waits until the last word on who speaks is this one."""

        def told() -> Speaker | None:
            speakers = [notice for notice in self.notices if isinstance(notice, Speaker)]
            return speakers[-1] if speakers and speakers[-1].peer == peer else None

        await self._told(told)

    def slots_of(self, peer: str) -> list[Slots]:
        return [notice for notice in self.notices if isinstance(notice, Slots) and notice.peer == peer]

    async def close(self) -> None:
        self._writer.close()
        await self._task

    async def _read(self) -> None:
        decoder: msgspec.msgpack.Decoder[Upward] = msgspec.msgpack.Decoder(Upward)
        while (message := await read_frame(self._reader, decoder)) is not None:
            if isinstance(message, Notice):
                async with self._changed:
                    self.notices.append(message)
                    self._changed.notify_all()
            else:
                self._waiting.pop(message.request).set_result(message)


class WorkerProcess:
    def __init__(self, process: asyncio.subprocess.Process, socket: Path, log: Path) -> None:
        self.process = process
        self.socket = socket
        self.log = log

    def logged(self) -> str:
        return self.log.read_text()


@asynccontextmanager
async def worker_process(folder: Path, *arguments: str) -> AsyncIterator[WorkerProcess]:
    """`python -m mediaserver` on 127.0.0.1 and any UDP port; ended by SIGTERM, and then its log must be clean."""
    socket, log = folder / "worker.sock", folder / "worker.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mediaserver", "--socket", str(socket), "--udp-ports", "0"),
            *("--announce", "127.0.0.1", *arguments),
            stderr=errors,
        )
    worker = WorkerProcess(process, socket, log)
    try:
        yield worker
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    assert process.returncode == 0, worker.logged()
    assert "Traceback" not in worker.logged()
