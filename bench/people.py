"""People in rooms by aiortc, an engine independent of browsers and of ours: `python -m bench.people URL ADDRESS`.

Told what to do by JSON lines on standard input (`Order`); answers each with one JSON line on standard output, and
ends when its input ends. As a page does, each makes a new connection when the server says that its media is lost.
"""

import asyncio
import sys
from collections.abc import Coroutine
from dataclasses import dataclass

import msgspec
from aiortc import (
    MediaStreamError,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamTrack

from bench.stamped_media import BeepingMicrophone, StampedCamera
from tests.integration.media_client import loopback_candidates
from tests.integration.node_process import Person

_OFF = {"microphone": "off", "camera": "off"}
_ON = {"microphone": "on", "camera": "on"}


class Join(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="join"):
    """Goes into the room of a link; answered with `{}` once inside. `sends`: own sound and picture."""

    name: str
    link: str
    source: int = 0
    sends: bool = True
    slots: int = 1


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="count"):
    """Answered with how many frames each person has decoded so far."""


Order = Join | Count
_decode = msgspec.json.Decoder(Order).decode


@dataclass(frozen=True, slots=True)
class Site:
    url: str


class AiortcPerson:
    """One person in a room."""

    def __init__(self, order: Join, url: str) -> None:
        self._order = order
        self._person = Person(Site(url), order.link.rpartition("/")[2])
        self._connection: RTCPeerConnection | None = None
        self._offers = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.frames = 0
        """Decoded pictures of all others."""

    async def join(self) -> None:
        await self._person.open_link()
        await self._person.connect()
        offer = await self._offer()
        result = await self._person.done("room.join", media=_ON if self._order.sends else _OFF, offer=offer)
        await self._accept(result["answer"])
        self._start(self._replace_lost_media())

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._connection is not None:
            await self._connection.close()
        await self._person.close()

    async def _replace_lost_media(self) -> None:
        while True:
            event, _ = await self._person.events.get()
            if event != "media.lost":
                continue
            before = self._connection
            await self._accept(await self._person.done("media.offer", offer=await self._offer()))
            if before is not None:
                await before.close()

    async def _offer(self) -> dict[str, object]:
        """Of a new connection."""
        self._offers += 1
        # Without a list aiortc asks a STUN server of its own choice, and waits five seconds for it where there is none.
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        if self._order.sends:
            connection.addTransceiver(BeepingMicrophone(), direction="sendonly")
            connection.addTransceiver(StampedCamera(self._order.source), direction="sendonly")
        for _ in range(self._order.slots):
            for kind in ("audio", "video"):
                connection.addTransceiver(kind, direction="recvonly")
        self._connection = connection
        await connection.setLocalDescription(await connection.createOffer())
        name = f"{self._order.name}-{self._offers}"
        return {"connection": name, "number": 1, "sdp": connection.localDescription.sdp}

    async def _accept(self, answer: dict[str, dict[str, str]]) -> None:
        if self._connection is None:
            return
        await self._connection.setRemoteDescription(RTCSessionDescription(answer["description"]["sdp"], "answer"))
        for transceiver in self._connection.getTransceivers():
            if transceiver.direction == "recvonly":
                self._start(self._receive(transceiver.receiver.track))

    async def _receive(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                await track.recv()
                self.frames += track.kind == "video"
        except MediaStreamError:
            return

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def serve(url: str) -> None:
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    people: dict[str, AiortcPerson] = {}
    try:
        async for line in orders:
            order = _decode(line)
            answer: dict[str, int] = {}
            if isinstance(order, Join):
                people[order.name] = AiortcPerson(order, url)
                await people[order.name].join()
            else:
                answer = {name: person.frames for name, person in people.items()}
            print(msgspec.json.encode(answer).decode(), flush=True)
    finally:
        await asyncio.gather(*(person.close() for person in people.values()))


if __name__ == "__main__":
    with loopback_candidates(sys.argv[2]):
        asyncio.run(serve(sys.argv[1]))
