"""A UDP relay that makes a path bad on purpose, because the kernels we test on have no netem.

It stands between a browser and the media worker as a NAT would: every client address gets an outer socket of its
own towards the worker. `up` is client to worker, `down` is worker to client.

`python -m bench.impairment` is told what to do by JSON lines on standard input (`Order`) and answers each with one
JSON line on standard output; it ends when its input ends.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Literal

import msgspec

from bench.link import Impairment, Link

MAXIMUM_CLIENTS = 32
MAXIMUM_RELAYS = 16
MAXIMUM_DATAGRAM = 65_535
SOCKET_BUFFER = 1 << 20

Address = tuple[str, int]
Direction = Literal["up", "down"]


class Relay:
    """Between some client addresses and one worker address. Lives on the running event loop."""

    def __init__(self, worker: Address, links: dict[Direction, Link], host: str = "127.0.0.1") -> None:
        self._loop = asyncio.get_running_loop()
        self._worker = worker
        self._links = links
        self._host = host
        self._on_the_way = 0
        self._outer: dict[Address, socket.socket] = {}
        self._inner = self._open(self._from_clients)

    @property
    def address(self) -> Address:
        """Where clients send to."""
        return _address(self._inner)

    @property
    def outer_addresses(self) -> list[Address]:
        """Where the worker sees the clients."""
        return [_address(each) for each in self._outer.values()]

    def change_ports(self) -> None:
        """Each client gets a new outer port with its next packet, as from a NAT that forgot it."""
        for each in self._outer.values():
            self._close(each)
        self._outer.clear()

    def close(self) -> None:
        self.change_ports()
        self._close(self._inner)

    def _open(self, read: Callable[[socket.socket], None]) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            opened.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
        opened.bind((self._host, 0))
        self._loop.add_reader(opened, read, opened)
        return opened

    def _close(self, opened: socket.socket) -> None:
        self._loop.remove_reader(opened)
        opened.close()

    def _from_clients(self, inner: socket.socket) -> None:
        for data, client in _datagrams(inner):
            outer = self._outer_for(client)
            if outer is not None:
                self._travel("up", data, outer, self._worker)

    def _outer_for(self, client: Address) -> socket.socket | None:
        if client not in self._outer and len(self._outer) < MAXIMUM_CLIENTS:
            self._outer[client] = self._open(lambda outer: self._from_worker(outer, client))
        return self._outer.get(client)

    def _from_worker(self, outer: socket.socket, client: Address) -> None:
        for data, sender in _datagrams(outer):
            if sender == self._worker:
                self._travel("down", data, self._inner, client)

    def _travel(self, direction: Direction, data: bytes, through: socket.socket, to: Address) -> None:
        now = self._loop.time()
        for moment in self._links[direction].arrivals(now, len(data), self._on_the_way):
            # Nothing may overtake what is still on the way, so even a due packet waits for its turn then.
            if moment <= now and self._on_the_way == 0:
                _send(through, data, to)
            else:
                self._on_the_way += 1
                self._loop.call_at(moment, self._arrive, through, data, to)

    def _arrive(self, through: socket.socket, data: bytes, to: Address) -> None:
        self._on_the_way -= 1
        _send(through, data, to)


def _datagrams(opened: socket.socket) -> "list[tuple[bytes, Address]]":
    """What waits in the socket; at most a few, so that timers stay on time."""
    waiting: list[tuple[bytes, Address]] = []
    try:
        while len(waiting) < 16:
            waiting.append(opened.recvfrom(MAXIMUM_DATAGRAM))
    except OSError:
        pass  # nothing more, or the other side's port is closed: as on a real path, nobody is told
    return waiting


def _send(through: socket.socket, data: bytes, to: Address) -> None:
    # Closed meanwhile, or a full buffer: the packet is lost, as packets are.
    with contextlib.suppress(OSError):
        through.sendto(data, to)


def _address(opened: socket.socket) -> Address:
    host, port = opened.getsockname()
    return host, port


# Orders from another process


class Open(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="open"):
    """Stand before this worker address; answered with the address for clients. The same one again: the same answer."""

    host: str
    port: int


class Impair(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="impair"):
    """From now on the path is like this; answered with `{}`."""

    up: Impairment = Impairment()
    down: Impairment = Impairment()


class ChangePorts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="change_ports"):
    """Answered with `{}`."""


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="report"):
    """Answered with `{"up": counters, "down": counters}`."""


Order = Open | Impair | ChangePorts | Report
_decode = msgspec.json.Decoder(Order).decode


class Path:
    """One client's path to whichever workers it meets: the relays share the two links."""

    def __init__(self, seed: int) -> None:
        self._links: dict[Direction, Link] = {"up": Link(Impairment(), seed), "down": Link(Impairment(), seed + 1)}
        self._relays: dict[Address, Relay] = {}

    def obey(self, order: Order) -> dict[str, object]:
        match order:
            case Open(host, port):
                return self._open((host, port))
            case Impair(up, down):
                self._links["up"].impairment, self._links["down"].impairment = up, down
            case ChangePorts():
                for relay in self._relays.values():
                    relay.change_ports()
            case Report():
                return {direction: asdict(link.counters) for direction, link in self._links.items()}
        return {}

    def close(self) -> None:
        for relay in self._relays.values():
            relay.close()

    def _open(self, worker: Address) -> dict[str, object]:
        if worker not in self._relays:
            if len(self._relays) >= MAXIMUM_RELAYS:
                return {"error": f"more than {MAXIMUM_RELAYS} workers"}
            self._relays[worker] = Relay(worker, self._links, host=worker[0])
        host, port = self._relays[worker].address
        return {"host": host, "port": port}


async def _serve(seed: int) -> None:
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    path = Path(seed)
    try:
        async for line in orders:
            try:
                answer = path.obey(_decode(line))
            except msgspec.ValidationError as problem:
                answer = {"error": str(problem)}
            print(msgspec.json.encode(answer).decode(), flush=True)
    finally:
        path.close()


if __name__ == "__main__":
    asyncio.run(_serve(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 1))
