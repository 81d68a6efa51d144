import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from bench.impairment import Address, Direction, Relay
from bench.link import Impairment, Link

LOOPBACK = "127.0.0.1"


def _socket() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((LOOPBACK, 0))
    opened.setblocking(False)
    return opened


@pytest.fixture
def worker() -> Iterator[socket.socket]:
    with _socket() as opened:
        yield opened


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with _socket() as opened:
        yield opened


@pytest.fixture
def links() -> dict[Direction, Link]:
    return {"up": Link(Impairment(), 1), "down": Link(Impairment(), 2)}


@pytest.fixture
async def relay(worker: socket.socket, links: dict[Direction, Link]) -> AsyncIterator[Relay]:
    opened = Relay(worker.getsockname(), links)
    yield opened
    opened.close()


async def _receive(opened: socket.socket) -> tuple[bytes, Address]:
    async with asyncio.timeout(10):
        data, sender = await asyncio.get_running_loop().sock_recvfrom(opened, 2000)
    return data, sender


async def test_packets_go_both_ways(worker: socket.socket, client: socket.socket, relay: Relay) -> None:
    client.sendto(b"question", relay.address)
    data, outer = await _receive(worker)
    assert (data, outer) == (b"question", relay.outer_addresses[0])
    worker.sendto(b"answer", outer)
    assert await _receive(client) == (b"answer", relay.address)


async def test_each_client_has_a_port_of_its_own(worker: socket.socket, client: socket.socket, relay: Relay) -> None:
    with _socket() as other:
        client.sendto(b"one", relay.address)
        _, first = await _receive(worker)
        other.sendto(b"two", relay.address)
        _, second = await _receive(worker)
        assert first != second
        worker.sendto(b"for two", second)
        assert (await _receive(other))[0] == b"for two"


async def test_order_survives_delay_and_its_end(
    worker: socket.socket, client: socket.socket, relay: Relay, links: dict[Direction, Link]
) -> None:
    links["up"].impairment = Impairment(delay_ms=30, jitter_ms=20)
    for number in range(20):
        client.sendto(b"%d" % number, relay.address)
    while links["up"].counters.received < 20:
        await asyncio.sleep(0)
    links["up"].impairment = Impairment()
    client.sendto(b"20", relay.address)
    assert [int((await _receive(worker))[0]) for _ in range(21)] == list(range(21))


async def test_a_new_port_for_a_forgetful_nat(worker: socket.socket, client: socket.socket, relay: Relay) -> None:
    client.sendto(b"before", relay.address)
    _, before = await _receive(worker)
    relay.change_ports()
    client.sendto(b"after", relay.address)
    _, after = await _receive(worker)
    assert before != after
    worker.sendto(b"answer", after)
    assert (await _receive(client))[0] == b"answer"


async def test_strangers_reach_nobody(worker: socket.socket, client: socket.socket, relay: Relay) -> None:
    client.sendto(b"hello", relay.address)
    _, outer = await _receive(worker)
    with _socket() as stranger:
        stranger.sendto(b"spam", outer)
    worker.sendto(b"answer", outer)
    assert (await _receive(client))[0] == b"answer"


async def test_a_closed_port_on_the_other_side_harms_nobody(
    worker: socket.socket, client: socket.socket, relay: Relay, links: dict[Direction, Link]
) -> None:
    with _socket() as brief:
        brief.sendto(b"here", relay.address)
        _, gone = await _receive(worker)
    worker.sendto(b"nobody listens", gone)
    while links["down"].counters.received < 1:
        await asyncio.sleep(0)
    client.sendto(b"still there?", relay.address)
    assert (await _receive(worker))[0] == b"still there?"


async def test_orders_from_another_process(worker: socket.socket, client: socket.socket) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.impairment", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None

    async def order(**fields: object) -> dict[str, object]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(fields).encode() + b"\n")
        answer: dict[str, object] = json.loads(await process.stdout.readline())
        return answer

    host, port = worker.getsockname()
    opened = await order(type="open", host=host, port=port)
    assert await order(type="open", host=host, port=port) == opened
    assert await order(type="impair", up={"duplicate": 1.0}) == {}
    client.sendto(b"twice", (str(opened["host"]), int(str(opened["port"]))))
    assert [(await _receive(worker))[0] for _ in range(2)] == [b"twice", b"twice"]
    report = await order(type="report")
    assert report["up"] == {
        "received": 1, "forwarded": 1, "lost": 0, "overflowed": 0, "blacked_out": 0, "duplicated": 1, "reordered": 0,
    }  # fmt: skip
    assert "error" in await order(type="impair", up={"loss": 2.0})
    process.stdin.close()
    assert await process.wait() == 0
