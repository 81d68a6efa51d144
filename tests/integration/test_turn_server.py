"""The documented coturn configuration in a real coturn, with credentials of our own making."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from aioice import stun, turn
from aiortc import RTCConfiguration, RTCIceServer

from contract.clock import FixedClock, SystemClock
from contract.ids import ParticipantId
from server.turn import CREDENTIAL_SECONDS, TurnServers
from tests.integration.media_client import MediaClient, relayed_only
from tests.integration.media_worker_process import PATIENCE, Link, worker_process
from tests.integration.turn_server import CONFIGURATION, LOOPBACK, SECRET, TurnServer, turn_server

pytestmark = [pytest.mark.timeout(120), pytest.mark.coturn]
ANNA = ParticipantId("anna")


@pytest.fixture
async def coturn(tmp_path: Path) -> AsyncIterator[TurnServer]:
    async with turn_server(tmp_path / "coturn") as server:
        yield server


def credentials(age: timedelta = timedelta(), secret: str = SECRET, of: ParticipantId = ANNA) -> tuple[str, str]:
    """What somebody was given so long ago."""
    clock = FixedClock(datetime.now(UTC) - age)
    (server,) = TurnServers(("turn:unused",), secret.encode(), clock).issue(of).servers
    return server.username, server.credential


class Peer(asyncio.DatagramProtocol):
    """What comes through the relay, and what it refuses."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self.closed = asyncio.Event()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.came.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        self.came.put_nowait(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data, addr)


async def allocate(coturn: TurnServer, over: str, username: str, password: str) -> tuple[turn.TurnTransport, Peer]:
    """An allocation over `udp`, `tcp` or `tls`. Raises aioice's `stun.TransactionFailed` when it is refused."""
    context: ssl.SSLContext | bool = False
    if over == "tls":
        context = ssl.create_default_context(cafile=coturn.certificate)
        context.check_hostname = False
    return await turn.create_turn_endpoint(
        Peer,
        server_addr=(LOOPBACK, coturn.tls_port if over == "tls" else coturn.port),
        username=username,
        password=password,
        ssl=context,
        transport="udp" if over == "udp" else "tcp",
    )


@pytest.mark.parametrize("over", ["udp", "tcp", "tls"])
async def test_our_credentials_open_a_relay_to_our_media_and_to_nothing_else(coturn: TurnServer, over: str) -> None:
    loop = asyncio.get_running_loop()
    echo, _ = await loop.create_datagram_endpoint(Echo, local_addr=(LOOPBACK, 0))
    relay, peer = await allocate(coturn, over, *credentials())
    async with asyncio.timeout(PATIENCE):
        relay.sendto(b"hello", echo.get_extra_info("sockname"))
        assert await peer.came.get() == b"hello"
        for elsewhere in ("127.0.0.2", "10.0.0.1", "192.168.1.1", "169.254.169.254", "198.51.100.1"):
            relay.sendto(b"hello", (elsewhere, 40_000))
            refusal = await peer.came.get()
            assert isinstance(refusal, stun.TransactionFailed), elsewhere
            assert refusal.response.attributes["ERROR-CODE"][0] == 403, elsewhere
        relay.close()
        await peer.closed.wait()
    echo.close()


@pytest.mark.parametrize(
    ("age", "secret"),
    [(timedelta(seconds=CREDENTIAL_SECONDS + 60), SECRET), (timedelta(), "another secret of 16")],
)
async def test_old_and_forged_credentials_open_nothing(coturn: TurnServer, age: timedelta, secret: str) -> None:
    with pytest.raises(stun.TransactionFailed) as caught:
        await allocate(coturn, "udp", *credentials(age, secret))
    assert caught.value.response.attributes["ERROR-CODE"][0] == 401


def setting(name: str) -> int:
    (value,) = [
        line.partition("=")[2] for line in CONFIGURATION.read_text().splitlines() if line.startswith(f"{name}=")
    ]
    return int(value)


async def test_nobody_takes_the_whole_line(coturn: TurnServer) -> None:
    relays, quota = [], setting("user-quota")
    async with asyncio.timeout(PATIENCE):
        for number in range(quota):
            # Given at other moments, so that the name differs; it is one person all the same.
            relays.append(await allocate(coturn, "udp", *credentials(timedelta(seconds=number))))
        with pytest.raises(stun.TransactionFailed) as caught:
            await allocate(coturn, "udp", *credentials())
        assert caught.value.response.attributes["ERROR-CODE"][0] == 486
        relays.append(await allocate(coturn, "udp", *credentials(of=ParticipantId("boris"))))
        for relay, peer in relays:
            relay.close()
            await peer.closed.wait()
    assert quota * setting("max-bps") * 10 <= setting("bps-capacity") <= 125_000_000


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_call_goes_through_the_relay(coturn: TurnServer, tmp_path: Path, transport: str) -> None:
    username, password = credentials()
    url = f"turn:{LOOPBACK}:{coturn.port}?transport={transport}"
    relays = RTCConfiguration(iceServers=[RTCIceServer([url], username, password)])
    with relayed_only():
        async with worker_process(tmp_path) as worker:
            link = await Link.connect(worker.socket)
            anna = MediaClient(link, "room", "anna", 60, slots=1, configuration=relays)
            boris = MediaClient(link, "room", "boris", 200, slots=1, configuration=relays)
            try:
                await anna.join()
                await boris.join()
                await asyncio.gather(anna.sees("3", 200), boris.sees("3", 60), anna.hears("2"))
            finally:
                await anna.close()
                await boris.close()
                await link.close()


def test_the_clock_of_credentials_is_the_machines() -> None:
    (server,) = TurnServers(("turn:unused",), SECRET.encode(), SystemClock()).issue(ANNA).servers
    assert abs(int(server.username.partition(":")[0]) - CREDENTIAL_SECONDS - time.time()) < 60
