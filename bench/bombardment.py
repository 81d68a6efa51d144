"""The sending half of `bench.hostile`, in a process of its own: hostile datagrams as fast as the worker follows."""

import asyncio
import contextlib
import re
import socket
from dataclasses import dataclass
from multiprocessing.connection import Connection

from tests.faults.hostile import Hostile
from tests.mediaserver.raw_client import RawClient

ROOM, BESIDE = "room", "beside"
"""The room of the live call; and one in which somebody is shown what the hostile member sends."""
SESSION_DATAGRAMS = 40_000
"""Then the hostile member comes again under new keys."""
BATCH = 240
"""Datagrams between two questions whether the worker has read them: far less than its receive buffer holds."""
_ANSWER_SECONDS = 2.0
_TRIES = 20


@dataclass(slots=True)
class Offer:
    """Asks the parent for an answer; it sends back the text."""

    room: str
    peer: str
    sdp: str


@dataclass(slots=True)
class Progress:
    """What has gone out so far."""

    datagrams: int = 0
    tcp_frames: int = 0
    """Of the datagrams, those that went through TCP."""
    sessions: int = 0
    done: bool = False


def bombard(parent: Connection, datagrams: int, seed: int, others: list[int]) -> None:
    """Entry of the process. `others`: SSRCs of the live call. Tells its `Progress` every batch."""
    asyncio.run(_Bombardment(parent, datagrams, seed, others).run())


class _Bombardment:
    def __init__(self, parent: Connection, datagrams: int, seed: int, others: list[int]) -> None:
        self._parent = parent
        self._total = datagrams
        self._seed = seed
        self._others = others
        self._progress = Progress()
        self._pacer = RawClient(ufrag="pacer")

    async def run(self) -> None:
        await self._enter(self._pacer, BESIDE, "pacer")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            while self._progress.datagrams < self._total:
                await self._session(stranger)
        self._pacer.close()
        self._progress.done = True
        self._parent.send(self._progress)

    async def _session(self, stranger: socket.socket) -> None:
        """One life of the hostile member."""
        number = self._progress.sessions
        self._progress.sessions += 1
        member = RawClient()
        answer = await self._enter(member, (ROOM, BESIDE)[number % 2], "mallory")
        received = [int(found) for found in re.findall(r"a=ssrc:(\d+) ", answer)]
        hostile = Hostile(member, received, self._others, self._seed + number)
        tcp = _Tcp(hostile)
        until = min(self._total, self._progress.datagrams + SESSION_DATAGRAMS)
        while self._progress.datagrams < until:
            for _ in range(BATCH // 2):
                stranger.sendto(hostile.of_a_stranger(), member.server)
                member.send(hostile.of_a_member())
            frames = tcp.send_some()
            self._progress.datagrams += BATCH + frames
            self._progress.tcp_frames += frames
            await self._followed()
            self._parent.send(self._progress)
        tcp.close()
        member.close()

    async def _enter(self, client: RawClient, room: str, name: str) -> str:
        self._parent.send(Offer(room, name, client.offer()))
        answer: str = self._parent.recv()
        client.accept(answer)
        await client.connect_ice()
        await client.shake_hands()
        return answer

    async def _followed(self) -> None:
        """The worker answers a check only after what was sent before it."""
        for _ in range(_TRIES):
            self._pacer.send(self._pacer.check())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await self._pacer.stun_response()
                self._pacer.received.clear()
                return
        raise RuntimeError("the worker no longer answers")


class _Tcp:
    """Connections one after the other, each with a valid check first or without one, until the worker has enough."""

    def __init__(self, hostile: Hostile) -> None:
        self._hostile = hostile
        self._connection: socket.socket | None = None

    def send_some(self) -> int:
        """Frames sent."""
        hostile = self._hostile
        try:
            connection = self._connection or self._connect()
            frames = [hostile.frame(hostile.of_a_member()) for _ in range(hostile.random.randrange(12))]
            connection.sendall(b"".join(frames))
        except OSError:
            self.close()
            return 0
        return len(frames)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connect(self) -> socket.socket:
        hostile = self._hostile
        self._connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._connection.settimeout(1.0)
        self._connection.connect(hostile.member.server)
        if hostile.random.random() < 0.8:
            check = hostile.member.check()
            self._connection.sendall(len(check).to_bytes(2, "big") + check)
        return self._connection
