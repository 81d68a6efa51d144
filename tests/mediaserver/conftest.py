"""A media worker inside the test's own event loop, on a port of 127.0.0.1."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import pytest

from mediaserver.drops import Drop, Drops
from mediaserver.link_messages import Answer, Notice, Offer, PeerState, Slots
from mediaserver.media_worker import MediaWorker
from mediaserver.port import Port
from tests.mediaserver.raw_client import PATIENCE, RawClient


@dataclass
class WorkerUnderTest:
    worker: MediaWorker
    port: Port
    drops: Drops
    notices: list[Notice] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    clients: list[RawClient] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def notify(self, notice: Notice) -> None:
        self.notices.append(notice)
        self.told.set()

    def offer(self, peer: str, sdp: str, *, connection: str = "first", number: int = 1, room: str = "room") -> Answer:
        return self.worker.offer(Offer(next(self._numbers), room, peer, connection, number, sdp))

    async def join(self, peer: str, client: RawClient | None = None) -> RawClient:
        """A peer with ICE and DTLS done."""
        client = client or RawClient()
        self.clients.append(client)
        client.accept(self.offer(peer, client.offer()).sdp)
        await client.connect_ice()
        await client.shake_hands()
        await self.state(peer, "live")
        return client

    async def state(self, peer: str, state: str) -> None:
        await self.until(lambda: state in self.states(peer))

    async def until(self, condition: object) -> None:
        assert callable(condition)
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.005)

    async def dropped(self, reason: Drop, number: int = 1) -> None:
        await self.until(lambda: self.drops.counts[reason] >= number)

    def states(self, peer: str) -> list[str]:
        return [item.state for item in self.notices if isinstance(item, PeerState) and item.peer == peer]

    def slots_told(self, peer: str) -> list[Slots]:
        return [item for item in self.notices if isinstance(item, Slots) and item.peer == peer]


@pytest.fixture
async def media() -> AsyncIterator[WorkerUnderTest]:
    async with worker_at("127.0.0.1") as under_test:
        yield under_test


@asynccontextmanager
async def worker_at(*addresses: str, told: tuple[str, ...] = ()) -> AsyncIterator[WorkerUnderTest]:
    """A worker that listens at these addresses, and tells others when they are given."""
    drops = Drops()
    port = Port(addresses, range(1), drops, buffer_bytes=1 << 16)
    worker = MediaWorker(port, drops, told or addresses)
    under_test = WorkerUnderTest(worker, port, drops)
    worker.notify = under_test.notify
    worker.open(asyncio.get_running_loop())
    try:
        yield under_test
    finally:
        worker.close()
        for client in under_test.clients:
            client.close()
