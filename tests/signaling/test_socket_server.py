"""Hostile sockets: what no honest client ever does costs a bounded amount, and leaves no traceback."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn

import aiohttp
import pytest
import structlog

from contract.errors import ErrorCode
from signaling import connection, socket_server, transport
from signaling.socket_server import PACKET_BURST, QUEUED_PACKETS, OutgoingQueue
from signaling.transport import MALFORMED_LINES_BURST, quiet_logger
from tests.signaling.fakes import Stage, browser, participant_changed, stage

SOCKET = "/socket.io/?EIO=4&transport="
PATIENCE = 20
PATIENT = {"Cookie": "konsilium_patient=ses_patient.patient"}


@asynccontextmanager
async def raw_socket(at: Stage, session: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A patient's connected socket, spoken by hand."""
    async with session.ws_connect(f"{at.url}{SOCKET}websocket", headers=PATIENT) as socket:
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


@asynccontextmanager
async def polling(at: Stage, session: aiohttp.ClientSession) -> AsyncIterator[str]:
    """The address of a session that began with polling, for what its patient does next."""
    async with session.get(f"{at.url}{SOCKET}polling", headers=PATIENT) as response:
        opened = (await response.text()).removeprefix("0")
    yield f"{at.url}{SOCKET}polling&sid={json.loads(opened)['sid']}"


async def test_who_leaves_while_connecting_leaves_nothing_behind(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, aiohttp.ClientSession() as session, polling(at, session) as address:
        at.domain.door = asyncio.Event()
        connecting = asyncio.create_task(session.post(address, data='40/consultation,{"participant":"patient"}'))
        async with asyncio.timeout(PATIENCE):
            while not at.domain.connected:
                await asyncio.sleep(0.01)
        (await session.post(address, data="1")).close()
        at.domain.door.set()
        (await connecting).close()
        gone = await asyncio.wait_for(at.domain.disconnected.get(), PATIENCE)
        assert gone == at.domain.connected[0]
        assert at.gateway.open_connections == 0
        assert not at.sockets.manager.rooms


async def test_who_reads_nothing_after_an_upgrade_is_cut_too(tmp_path: Path) -> None:
    async with (
        stage(tmp_path, outgoing_limit=8) as at,
        aiohttp.ClientSession() as session,
        polling(at, session) as address,
        # As a browser does: on a TCP connection of its own.
        aiohttp.ClientSession() as other,
        other.ws_connect(address.replace("=polling", "=websocket")) as socket,
    ):
        await socket.send_str("2probe")
        assert await socket.receive_str() == "3probe"
        await socket.send_str("5")
        await socket.send_str('40/consultation,{"participant":"patient"}')
        while "admission.changed" not in await socket.receive_str():
            continue
        assert socket._response.connection is not None
        assert socket._response.connection.transport is not None
        socket._response.connection.transport.pause_reading()
        async with asyncio.timeout(PATIENCE):
            while not at.outbox.dropped:
                at.outbox.send(at.domain.connected[0].connection, participant_changed(1, "x" * 100_000))
                await asyncio.sleep(0)
            # It goes on talking: what it says is no reason to keep it.
            with pytest.raises((aiohttp.ClientError, ConnectionError)):
                await talk_on(socket)


async def talk_on(socket: aiohttp.ClientWebSocketResponse) -> NoReturn:
    while True:
        await socket.send_str("3")
        await asyncio.sleep(0.1)


async def test_closing_does_not_wait_for_one_connection_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CLOSE_SECONDS", 10 * PATIENCE)
    async with stage(tmp_path) as at, browser(at) as patient, browser(at, "doctor") as doctor:
        at.domain.gate = asyncio.Event()
        for one in (patient, doctor):
            await one.emit("admission.check", {"id": "1"}, namespace="/consultation")
        try:
            async with asyncio.timeout(PATIENCE):
                while len(at.domain.asked) < 2:
                    await asyncio.sleep(0.01)
                closing = asyncio.create_task(at.gateway.close())
                while at.gateway.open_connections:
                    await asyncio.sleep(0.01)
        finally:
            at.domain.gate.set()
        await asyncio.wait_for(closing, PATIENCE)


async def test_a_connection_that_can_not_be_ended_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(tmp_path) as at, browser(at):
        [sid] = at.gateway._connections

        async def fault(*_: object) -> None:
            raise RuntimeError

        with monkeypatch.context() as patched, structlog.testing.capture_logs() as entries:
            patched.setattr(transport, "abort", fault)
            at.outbox.drop(sid, ErrorCode.SLOW_CONSUMER)
            await at.gateway.close()
            async with asyncio.timeout(PATIENCE):
                while at.outbox._endings:
                    await asyncio.sleep(0.01)
        assert {entry["event"] for entry in entries} == {"connection_dropped", "ending_failed", "close_failed"}


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
