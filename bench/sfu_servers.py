"""The servers that are compared, behind one face: rooms of members, connected and ready."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from bench.janus import Janus, running_janus
from bench.load import Member
from bench.media_client import BenchClient
from bench.media_worker import bench_worker
from mediaserver.dtls import DtlsIdentity

_MOST_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Person:
    """What one member of a room does."""

    sends: bool
    receives: int
    """From how many."""


class Server(Protocol):
    """One running server."""

    @property
    def pid(self) -> int: ...

    def connect(self, room: int, people: list[Person]) -> list[Member]:
        """Blocks until everybody has keys. Who sends must be there before who receives."""
        ...


class Konsilium:
    """Our worker: one connection a person, for both ways."""

    def __init__(self, pid: int, answer: Callable[[str, str, str], str]) -> None:
        self.pid = pid
        self._answer = answer
        self._identity = DtlsIdentity()

    def connect(self, room: int, people: list[Person]) -> list[Member]:
        members = []
        for place, person in enumerate(people):
            client = BenchClient(self._identity, publishes=person.sends, receives=person.receives)
            client.connect(self._answer(f"room-{room}", f"person-{room}-{place}", client.offer))
            members.append(Member(client if person.sends else None, client if person.receives else None))
        return members


class JanusServer:
    """Janus' VideoRoom."""

    def __init__(self, janus: Janus) -> None:
        self.pid = janus.pid
        self._janus = janus
        self._identity = DtlsIdentity()

    def connect(self, room: int, people: list[Person]) -> list[Member]:
        number = room + 1
        self._janus.create_room(number, len(people))
        feeds: dict[int, int] = {}

        def publish(place: int) -> BenchClient:
            client, handle = BenchClient(self._identity, publishes=True), self._janus.handle()
            joined, _ = handle.ask({"request": "join", "ptype": "publisher", "room": number})
            feeds[place] = joined["id"]
            _, answer = handle.ask({"request": "publish"}, {"type": "offer", "sdp": client.offer})
            client.connect(answer)
            handle.wait_up()
            return client

        def subscribe(place: int, receives: int) -> BenchClient:
            client, handle = BenchClient(self._identity), self._janus.handle()
            others = [{"feed": feed} for other, feed in feeds.items() if other != place][:receives]
            wish = {"request": "join", "ptype": "subscriber", "room": number, "streams": others}
            _, offer = handle.ask(wish)
            handle.ask({"request": "start"}, {"type": "answer", "sdp": client.answer(offer)})
            client.connect(offer)
            handle.wait_up()
            return client

        return _connect_apart(people, publish, subscribe)


class MediaRelayServer:
    """aiortc's MediaRelay in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.pid = process.pid
        self._process = process
        self._identity = DtlsIdentity()

    def connect(self, room: int, people: list[Person]) -> list[Member]:
        def publish(place: int) -> BenchClient:
            return self._connect("publish", room, place, BenchClient(self._identity, publishes=True))

        def subscribe(place: int, receives: int) -> BenchClient:
            return self._connect("subscribe", room, place, BenchClient(self._identity, receives=receives))

        return _connect_apart(people, publish, subscribe)

    def _connect(self, what: str, room: int, place: int, client: BenchClient) -> BenchClient:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the relay has no pipes")
        request = {"what": what, "room": str(room), "person": str(place), "sdp": client.offer}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        client.connect(json.loads(self._process.stdout.readline())["sdp"])
        return client


def _connect_apart(
    people: list[Person], publish: Callable[[int], BenchClient], subscribe: Callable[[int, int], BenchClient]
) -> list[Member]:
    """Where sending and receiving are connections apart: first all who send, then all who receive."""
    ups = [_try(partial(publish, place)) if person.sends else None for place, person in enumerate(people)]
    return [
        Member(up, _try(partial(subscribe, place, person.receives)) if person.receives else None)
        for place, (up, person) in enumerate(zip(ups, people, strict=True))
    ]


def _try(connect: Callable[[], BenchClient]) -> BenchClient:
    """With 140 connections, each with its thread, Janus now and then leaves one unanswered; another one works."""
    for _ in range(_MOST_FAILURES):
        try:
            return connect()
        except OSError as error:
            print(f"connecting again: {error}", file=sys.stderr)
    return connect()


@contextmanager
def konsilium(address: str) -> Iterator[Server]:
    with bench_worker(address=address) as worker:
        yield Konsilium(worker.pid, worker.answer)


@contextmanager
def janus_default(address: str) -> Iterator[Server]:
    with running_janus(address) as janus:
        yield JanusServer(janus)


@contextmanager
def janus_tuned(address: str) -> Iterator[Server]:
    with running_janus(address, event_loops=1) as janus:
        yield JanusServer(janus)


@contextmanager
def media_relay(_: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "bench.media_relay"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield MediaRelayServer(process)
        finally:
            process.terminate()


StartServer = Callable[[str], AbstractContextManager[Server]]
"""Starts a server on this address and ends it."""
