"""The UDP port: binding, demultiplexing, counting."""

import asyncio
import errno
import socket

import pytest

from mediaserver.delay_probe import DelayProbe
from mediaserver.drops import Drop, Drops
from mediaserver.outbox import OUTBOX, UdpRoute
from mediaserver.path import Endpoint, Path
from mediaserver.places import HEADROOM, Place
from mediaserver.port import Port
from mediaserver.socket_names import Address
from tests.mediaserver.conftest import WorkerUnderTest
from tests.mediaserver.raw_client import PATIENCE


def test_two_workers_take_two_ports_of_the_range() -> None:
    first = Port(("127.0.0.1",), range(1), Drops(), buffer_bytes=1 << 16)
    second = Port(("127.0.0.1",), range(first.number, first.number + 20), Drops(), buffer_bytes=1 << 16)
    assert second.number != first.number
    with pytest.raises(OSError, match="no free UDP and TCP port") as caught:
        Port(("127.0.0.1",), range(first.number, first.number + 1), Drops())
    assert caught.value.errno == errno.EADDRINUSE
    first.close()
    second.close()


def test_each_announced_address_has_a_socket_of_its_own_on_the_same_port() -> None:
    port = Port(("127.0.0.1", "127.0.0.2"), range(1), Drops(), buffer_bytes=1 << 16)
    names = [endpoint.bound.getsockname() for endpoint in port.endpoints]
    assert names == [("127.0.0.1", port.number), ("127.0.0.2", port.number)]
    port.close()


def test_an_address_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(OSError, match=r"."):
        Port(("192.0.2.1",), range(1), Drops())
    with pytest.raises(OSError, match="no address"):
        Port((), range(1), Drops())


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", Drop.TOO_SHORT),
        (b"\x80", Drop.TOO_SHORT),
        (b"\x00" * 30, Drop.STUN_MALFORMED),
        (b"\x16" * 30, Drop.DTLS_UNKNOWN_ADDRESS),
        (b"\x80" * 30, Drop.MEDIA_UNKNOWN_ADDRESS),
        (b"\x80" * 5000, Drop.MEDIA_UNKNOWN_ADDRESS),
        (b"GET / HTTP/1.1\r\n\r\n", Drop.UNKNOWN_PROTOCOL),
        (b"\xff" * 30, Drop.UNKNOWN_PROTOCOL),
    ],
)
async def test_garbage_is_counted_by_its_reason(media: WorkerUnderTest, datagram: bytes, reason: Drop) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(datagram, ("127.0.0.1", media.port.number))
        await media.dropped(reason)
    assert sum(media.drops.counts) == 1


async def test_what_the_kernel_threw_away_is_counted(media: WorkerUnderTest) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(2000):
            stranger.sendto(b"\xff" * 1000, ("127.0.0.1", media.port.number))
    media.port.count_kernel_drops()
    lost = media.drops.counts[Drop.KERNEL_BUFFER_FULL]
    assert lost > 0
    await media.dropped(Drop.UNKNOWN_PROTOCOL, 2000 - lost)


class Recorder:
    def __init__(self) -> None:
        self.arrivals: list[float] = []
        self.came = asyncio.Event()

    def receive_rtp(self, path: Path, place: Place, length: int, arrival: float) -> None:
        self.arrivals.append(arrival)
        self.came.set()

    def receive_media(self, path: Path, packet: bytes, arrival: float) -> None: ...

    video_formats: frozenset[int] = frozenset()

    def receive_dtls(self, path: Path, datagram: bytes, arrival: float) -> None: ...

    def path_lost(self, path: Path) -> None: ...

    def receive_stun(self, endpoint: Endpoint, address: Address, datagram: bytes, arrival: float) -> None: ...

    def receive_stray_media(self, endpoint: Endpoint, address: Address, packet: bytes, arrival: float) -> None: ...


@pytest.mark.parametrize("probe", [None, DelayProbe()])
async def test_arrival_is_the_loops_time_or_the_kernels(probe: DelayProbe | None) -> None:
    loop = asyncio.get_running_loop()
    port = Port(("127.0.0.1",), range(1), Drops(), delay_probe=probe, buffer_bytes=1 << 16)
    recorder = Recorder()
    port.open(loop, recorder)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        endpoint = port.endpoints[0]
        endpoint.remember(Path(endpoint, client.getsockname(), recorder))
        before = loop.time()
        client.sendto(b"\x80" * 20, ("127.0.0.1", port.number))
        async with asyncio.timeout(PATIENCE):
            await recorder.came.wait()
    assert before - 0.001 <= recorder.arrivals[0] <= loop.time() + 0.001
    port.close()


class Tripping(Recorder):
    def receive_rtp(self, path: Path, place: Place, length: int, arrival: float) -> None:
        super().receive_rtp(path, place, length, arrival)
        raise KeyError("a mistake of ours")


async def test_a_fault_is_counted_told_once_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    drops = Drops()
    port = Port(("127.0.0.1",), range(1), drops, buffer_bytes=1 << 16)
    recorder = Tripping()
    port.open(asyncio.get_running_loop(), recorder)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        endpoint = port.endpoints[0]
        endpoint.remember(Path(endpoint, client.getsockname(), recorder))
        for _ in range(5):
            client.sendto(b"\x80" * 20, ("127.0.0.1", port.number))
        async with asyncio.timeout(PATIENCE):
            while drops.counts[Drop.FAULT] < 5:
                await asyncio.sleep(0.005)
    assert len(caplog.records) == 1
    port.close()


class Slow(Recorder):
    """Looks, when something comes that may take long to answer, whether packets that were written before are gone."""

    def __init__(self, route: UdpRoute, receiver: socket.socket) -> None:
        super().__init__()
        self.route, self.receiver = route, receiver
        self.gone: list[bytes] = []

    def receive_rtp(self, path: Path, place: Place, length: int, arrival: float) -> None:
        OUTBOX.room[HEADROOM : HEADROOM + 4] = b"told"
        self.route.post(self.route, 4)

    def receive_stun(self, endpoint: Endpoint, address: Address, datagram: bytes, arrival: float) -> None:
        self.gone.append(self.receiver.recv(100))
        self.came.set()


async def test_nothing_waits_for_what_may_be_slow() -> None:
    port = Port(("127.0.0.1",), range(1), Drops(), buffer_bytes=1 << 16)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        client.bind(("127.0.0.1", 0))
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        endpoint = port.endpoints[0]
        slow = Slow(endpoint.route(receiver.getsockname()), receiver)
        endpoint.remember(Path(endpoint, client.getsockname(), slow))
        client.sendto(b"\x80" * 20, ("127.0.0.1", port.number))
        client.sendto(bytes(30), ("127.0.0.1", port.number))
        port.open(asyncio.get_running_loop(), slow)
        async with asyncio.timeout(PATIENCE):
            await slow.came.wait()
    assert slow.gone == [b"told"]
    port.close()
