"""Hostile sockets: what no honest client ever does costs a bounded amount, and leaves no traceback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from signaling import socket_server, transport
from signaling.socket_server import PACKET_BURST, QUEUED_PACKETS, OutgoingQueue
from signaling.transport import MALFORMED_LINES_BURST, quiet_logger
from tests.signaling.fakes import Stage, stage

SOCKET = "/socket.io/?EIO=4&transport="
PATIENCE = 20


@asynccontextmanager
async def raw_socket(at: Stage, session: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A patient's connected socket, spoken by hand."""
    headers = {"Cookie": "konsilium_patient=ses_patient.patient"}
    async with session.ws_connect(f"{at.url}{SOCKET}websocket", headers=headers) as socket:
        await socket.receive_str()
        await socket.send_str('40/consultation,{"participant":"patient"}')
        await socket.receive_str()
        yield socket


async def acknowledgement(socket: aiohttp.ClientWebSocketResponse, number: int) -> str:
    async with asyncio.timeout(PATIENCE):
        while not (text := await socket.receive_str()).startswith(f"43/consultation,{number}["):
            continue
    return text


@pytest.mark.parametrize(
    "event",
    [
        '["connect",{},{}]',
        '["connect"]',
        '["disconnect"]',
        '["__disconnect_final","x"]',
        "[{}]",
        "[[1]]",
        "[7]",
        '"ab"',
    ],
)
async def test_a_client_can_not_name_the_librarys_own_events(
    tmp_path: Path, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage(tmp_path) as at, aiohttp.ClientSession() as session, raw_socket(at, session) as socket:
        await socket.send_str(f"42/consultation,6{event}")
        await socket.send_str('42/consultation,7["admission.check",{"id":"1"}]')
        assert '"ok":true' in await acknowledgement(socket, 7)
        assert len(at.domain.connected) == at.gateway.open_connections == 1
    assert not any(record.exc_info for record in caplog.records)


async def test_a_flood_of_packets_is_cut(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{at.url}{SOCKET}websocket") as socket:
            await socket.receive_str()
            for _ in range(2 * PACKET_BURST):
                await socket.send_str("40/nowhere,")
            async with asyncio.timeout(PATIENCE):
                while (await socket.receive()).type not in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                    continue
        async with asyncio.timeout(PATIENCE):
            while at.sockets.eio.sockets:
                await asyncio.sleep(0.02)


async def test_sessions_of_one_address_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_server, "SESSIONS_PER_ADDRESS", 3)
    async with stage(tmp_path) as at, aiohttp.ClientSession() as session:
        statuses = []
        for _ in range(5):
            async with session.get(f"{at.url}{SOCKET}polling") as response:
                statuses.append(response.status)
        assert statuses == [200, 200, 200, 401, 401]
        async with asyncio.timeout(PATIENCE):
            while at.sockets.eio.sockets:
                await asyncio.sleep(0.05)
        async with session.get(f"{at.url}{SOCKET}polling") as response:
            assert response.status == 200


async def test_a_client_that_never_reads_its_acknowledgements_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        stage(tmp_path, outgoing_limit=8) as at,
        aiohttp.ClientSession() as session,
        raw_socket(at, session) as socket,
    ):
        # What a full TCP window leaves behind, without filling one.
        monkeypatch.setattr(transport, "outgoing_length", lambda *_: 9)
        await socket.send_str('42/consultation,7["admission.check",{"id":"1"}]')
        gone = await asyncio.wait_for(at.domain.disconnected.get(), PATIENCE)
        assert gone.connection == at.domain.connected[0].connection
    assert at.outbox.dropped == {"slow_consumer": 1}


async def test_the_outgoing_queue_of_a_session_is_bounded(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, aiohttp.ClientSession() as session, raw_socket(at, session):
        queues = [one.queue for one in at.sockets.eio.sockets.values()]
        assert [type(queue) for queue in queues] == [OutgoingQueue]
    queue = OutgoingQueue()
    for number in range(2 * QUEUED_PACKETS):
        await queue.put(number)
    await queue.put(None)
    assert queue.qsize() == QUEUED_PACKETS + 1


def test_rubbish_does_not_fill_the_disk(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(10 * MALFORMED_LINES_BURST):
        try:
            raise ValueError
        except ValueError:
            quiet_logger().exception("bad")
    assert len(caplog.records) <= 2 * MALFORMED_LINES_BURST
    assert not any(record.exc_info for record in caplog.records)
