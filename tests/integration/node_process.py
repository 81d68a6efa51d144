"""A whole node as its own processes, and people at it: cookies over HTTP, a Socket.IO client, aiortc for media."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import aiohttp
import socketio
from aiortc import RTCSessionDescription

from tests.integration.media_client import MediaClient

PATIENCE = 40.0
NAMESPACE = "/consultation"
MEDIA = {"microphone": "on", "camera": "on"}


class Node:
    """A running `konsilium serve --demo --json`."""

    def __init__(self, process: asyncio.subprocess.Process, ready: dict[str, Any]) -> None:
        self.process = process
        self.ready = ready
        self.url: str = ready["url"].replace("localhost", "127.0.0.1")

    def pid(self, role: str) -> int:
        return next(int(one["pid"]) for one in self.ready["processes"] if one["role"] == role)

    def token(self, appointment: str, role: str) -> str:
        url: str = next(
            one["url"] for one in self.ready["links"] if (one["appointment"], one["role"]) == (appointment, role)
        )
        return url.rpartition("/")[2]

    async def event(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        event: dict[str, Any] = json.loads(await asyncio.wait_for(self.process.stdout.readline(), PATIENCE))
        return event

    async def act(self, appointment: str, action: str) -> None:
        async with aiohttp.ClientSession() as session:
            url = f"{self.url}/api/v1/demo/appointments/{appointment}/{action}"
            async with session.post(url) as response:
                assert response.status == 200, await response.text()


@asynccontextmanager
async def node(folder: Path, *arguments: str) -> AsyncIterator[Node]:
    with (folder / "stderr.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", "serve", "--demo", "--json", "--port", "0", "--udp-ports", "0"),
            *("--data", str(folder), *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            limit=1 << 20,
        )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        assert line, (folder / "stderr.log").read_text()
        yield Node(process, json.loads(line))
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), PATIENCE)


class Site(Protocol):
    """Where a person goes to."""

    @property
    def url(self) -> str: ...


class Person:
    """Opens a link, connects, sends commands, remembers events."""

    def __init__(self, at: Site, token: str) -> None:
        self.at = at
        self.token = token
        self.cookies: dict[str, str] = {}
        self.participant: str | None = None
        self.verdict: dict[str, Any] = {}
        self.refusal: str | None = None
        self.socket = socketio.AsyncClient(reconnection=False)
        self.events: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()

    async def open_link(self) -> None:
        async with (
            aiohttp.ClientSession(cookies=self.cookies) as session,
            session.post(f"{self.at.url}/api/v1/sessions", json={"token": self.token}) as response,
        ):
            assert response.status == 200, await response.text()
            body = await response.json()
            self.participant, self.verdict = body["participant"], body["verdict"]
            self.cookies |= {name: morsel.value for name, morsel in response.cookies.items()}

    async def connect(self) -> None:
        self.socket = socketio.AsyncClient(reconnection=False)
        self.events = asyncio.Queue()
        events = self.events

        async def remember(event: str, data: dict[str, Any]) -> None:
            events.put_nowait((event, data))

        def refused(data: dict[str, Any]) -> None:
            self.refusal = data["data"]["code"]

        self.socket.on("*", remember, namespace=NAMESPACE)
        self.socket.on("connect_error", refused, namespace=NAMESPACE)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        await self.socket.connect(
            self.at.url,
            headers={"Cookie": cookie},
            auth={"participant": self.participant},
            namespaces=[NAMESPACE],
            transports=["websocket"],
            wait_timeout=PATIENCE,
        )

    async def connect_again(self) -> None:
        """As a page does after a lost link: tries until it works."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await self.connect()
                except socketio.exceptions.ConnectionError:
                    await asyncio.sleep(0.1)
                else:
                    return

    async def ask(self, name: str, **payload: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self.socket.call(
            name, {"id": str(uuid4()), **payload}, namespace=NAMESPACE, timeout=PATIENCE
        )
        return answer

    async def done(self, name: str, **payload: Any) -> dict[str, Any]:
        answer = await self.ask(name, **payload)
        assert answer["ok"], answer
        result: dict[str, Any] = answer["result"]
        return result

    async def told(self, name: str, **expected: Any) -> dict[str, Any]:
        """The next event of that name whose data has these values."""
        async with asyncio.timeout(PATIENCE):
            while True:
                event, data = await self.events.get()
                if event == name and all(data.get(key) == value for key, value in expected.items()):
                    return data

    async def told_verdict(self, code: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while True:
                verdict: dict[str, Any] = (await self.told("admission.changed"))["verdict"]
                if verdict["code"] == code:
                    return verdict

    async def told_connection(self, of: "Person", connection: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                one = (await self.told("participant.changed"))["participant"]
                if (one["person"]["id"], one["connection"]) == (of.participant, connection):
                    return

    async def close(self) -> None:
        await self.socket.disconnect()


@asynccontextmanager
async def person(at: Node, appointment: str, role: str) -> AsyncIterator[Person]:
    one = Person(at, at.token(appointment, role))
    await one.open_link()
    await one.connect()
    try:
        yield one
    finally:
        await one.close()


async def offer_of(media: MediaClient) -> dict[str, Any]:
    sdp = await media.offer()
    return {"connection": media.connection, "number": media.number, "sdp": sdp}


async def take_answer(media: MediaClient, answer: dict[str, Any]) -> None:
    await media.pc.setRemoteDescription(RTCSessionDescription(answer["description"]["sdp"], "answer"))


async def join(one: Person, media: MediaClient) -> dict[str, Any]:
    result = await one.done("room.join", media=MEDIA, offer=await offer_of(media))
    await take_answer(media, result["answer"])
    return result
