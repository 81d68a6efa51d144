"""The real gateway on a real server, with real Socket.IO clients."""

import asyncio
import logging
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

import aiohttp
import pytest
import socketio

from contract.errors import ErrorCode
from contract.ids import ConnectionId
from rooms.messages import SeatLost, SeatLostReason
from signaling.connection import COMMAND_BURST, INBOX_LIMIT
from signaling.gateway import CONNECTIONS_PER_DEVICE
from tests.signaling.fakes import OFFER, PAYLOADS, Stage, ask, browser, participant_changed, stage


async def join(client: socketio.AsyncClient, command_id: str = "join") -> dict[str, object]:
    answer: dict[str, object] = await ask(client, "room.join", {"id": command_id, **PAYLOADS["room.join"]})
    return answer


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_the_verdict_comes_first(tmp_path: Path, transport: str) -> None:
    async with stage(tmp_path) as at, browser(at, transports=(transport,)) as client:
        event, data = await asyncio.wait_for(client.received.get(), 20)
        assert (event, data["verdict"]["code"]) == ("admission.changed", "too_early")


@pytest.mark.parametrize(
    ("participant", "cookie", "code"),
    [
        ("patient", None, "session_required"),
        ("patient", "konsilium_patient=forged", "session_required"),
        ("patient", "konsilium_patient=ses_doctor.doctor", "session_required"),
        ("doctor", "konsilium_patient=ses_patient.patient", "session_required"),
        ("patient", "konsilium_patient=expired", "session_expired"),
        (7, "konsilium_patient=ses_patient.patient", "bad_message"),
        ("x" * 65, "konsilium_patient=ses_patient.patient", "bad_message"),
        (None, "konsilium_patient=ses_patient.patient", "bad_message"),
    ],
)
async def test_a_false_identity_is_refused_with_a_code(
    tmp_path: Path, participant: object, cookie: str | None, code: str
) -> None:
    async with stage(tmp_path) as at:
        client = socketio.AsyncClient(reconnection=False)
        refused: asyncio.Queue[object] = asyncio.Queue()
        client.on("connect_error", lambda data: refused.put_nowait(data), namespace="/consultation")
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(
                at.url,
                headers={"Cookie": cookie} if cookie else {},
                auth={"participant": participant},
                namespaces=["/consultation"],
                transports=["websocket"],
                wait_timeout=20,
            )
        data = await asyncio.wait_for(refused.get(), 20)
        await client.disconnect()
        assert isinstance(data, dict)
        assert data["data"]["code"] == code
        assert not at.domain.connected


async def test_another_sites_page_can_not_open_a_socket(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, aiohttp.ClientSession() as session:
        url = at.url + "/socket.io/?EIO=4&transport=polling"
        async with session.get(url, headers={"Origin": "https://evil.example"}) as response:
            assert response.status == 403
            assert (await response.json(content_type="application/problem+json"))["code"] == "origin_refused"


async def test_commands_are_done_in_the_order_in_which_they_were_sent(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, browser(at) as client:
        await join(client)
        numbers = range(INBOX_LIMIT)
        answers = await asyncio.gather(
            *(ask(client, "media.view", {"id": f"n{number}", "tiles": []}) for number in numbers)
        )
        assert all(answer["ok"] for answer in answers)
        assert [command.id for _, name, command in at.domain.asked if name == "media.view"] == [
            f"n{number}" for number in numbers
        ]


async def test_events_come_after_the_answer_that_they_follow_from(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, aiohttp.ClientSession() as session:
        headers = {"Cookie": "konsilium_patient=ses_patient.patient"}
        url = at.url + "/socket.io/?EIO=4&transport=websocket"
        async with session.ws_connect(url, headers=headers) as socket:
            await socket.receive_str()
            await socket.send_str('40/consultation,{"participant":"patient"}')
            assert (await socket.receive_str()).startswith("40/consultation,")
            assert "admission.changed" in await socket.receive_str()
            for number in range(10):
                await socket.send_str(
                    f'42/consultation,{number}["room.join",{{"id":"j{number}","media":'
                    '{"microphone":"on","camera":"on"}}]'
                )
                assert (await socket.receive_str()).startswith(f"43/consultation,{number}[")
                assert "participant.changed" in await socket.receive_str()


@pytest.mark.parametrize("event", ["nonsense", "room.joined", "message"])
async def test_unknown_events_are_acknowledged(tmp_path: Path, event: str) -> None:
    async with stage(tmp_path) as at, browser(at) as client:
        assert (await ask(client, event, {"id": "1"}))["error"]["code"] == "unknown_message"


async def test_what_needs_the_seat_follows_joining_and_leaving(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, browser(at) as client:
        offer = {"offer": OFFER}
        assert (await ask(client, "media.offer", {"id": "1", **offer}))["error"]["code"] == "not_in_room"
        await join(client)
        assert (await ask(client, "media.offer", {"id": "2", **offer}))["ok"]
        assert (await ask(client, "room.leave", {"id": "3"}))["ok"]
        assert (await ask(client, "media.offer", {"id": "4", **offer}))["error"]["code"] == "not_in_room"
        await join(client, "again")
        at.outbox.send(at.domain.connected[0].connection, SeatLost(reason=SeatLostReason.TAKEN_OVER))
        assert (await ask(client, "media.offer", {"id": "5", **offer}))["error"]["code"] == "not_in_room"


async def test_a_connection_is_closed_after_what_it_was_told(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, browser(at) as client:
        await asyncio.wait_for(client.received.get(), 20)
        closed = asyncio.Event()
        client.on("disconnect", lambda *_: closed.set(), namespace="/consultation")
        [connection] = at.gateway._connections
        at.outbox.hold(connection)
        at.outbox.send(connection, SeatLost(reason=SeatLostReason.LINK_REVOKED))
        at.outbox.close(connection)
        at.outbox.send(connection, participant_changed(1))
        at.outbox.release(connection)
        assert await asyncio.wait_for(client.received.get(), 20) == ("seat.lost", {"reason": "link_revoked"})
        assert (await asyncio.wait_for(client.received.get(), 20))[0] == "participant.changed"
        await asyncio.wait_for(closed.wait(), 20)
        await asyncio.wait_for(client.wait(), 20)
        assert (await asyncio.wait_for(at.domain.disconnected.get(), 20)).connection == connection
        assert at.gateway.open_connections == 0


async def test_a_full_inbox_refuses_and_nobody_else_notices(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, browser(at) as flooder, browser(at, "doctor") as other:
        at.domain.gate = asyncio.Event()
        pending = [
            asyncio.create_task(ask(flooder, "admission.check", {"id": f"n{number}"}))
            for number in range(COMMAND_BURST + 20)
        ]
        refusals = COMMAND_BURST + 20 - INBOX_LIMIT - 1
        for finished in islice(asyncio.as_completed(pending), refusals):
            assert (await finished)["error"]["code"] == "too_many"
        at.domain.gate.set()
        assert (await ask(other, "admission.check", {"id": "1"}))["ok"]
        answers = [await task for task in pending]
        assert sum(answer["ok"] for answer in answers) == INBOX_LIMIT + 1


async def test_connections_of_one_device_are_bounded(tmp_path: Path) -> None:
    async with stage(tmp_path) as at:
        async with AsyncExitStack() as open_browsers:
            for _ in range(CONNECTIONS_PER_DEVICE):
                await open_browsers.enter_async_context(browser(at))
            assert at.gateway.open_connections == CONNECTIONS_PER_DEVICE
            with pytest.raises(socketio.exceptions.ConnectionError):
                await open_browsers.enter_async_context(browser(at))
        async with asyncio.timeout(20):
            for _ in range(CONNECTIONS_PER_DEVICE):
                await at.domain.disconnected.get()
        async with browser(at) as client:
            assert (await ask(client, "admission.check", {"id": "1"}))["ok"]


async def test_the_answer_survives_a_lost_socket(tmp_path: Path) -> None:
    async with stage(tmp_path) as at:
        async with browser(at) as client:
            await join(client)
            at.domain.gate = asyncio.Event()
            await client.emit("media.state", {"id": "once", **PAYLOADS["media.state"]}, namespace="/consultation")
            async with asyncio.timeout(20):
                while len(at.domain.asked) < 2:
                    await asyncio.sleep(0.01)
        at.domain.gate.set()
        async with browser(at) as client:
            await join(client, "rejoin")
            assert (await ask(client, "media.state", {"id": "once", **PAYLOADS["media.state"]}))["ok"]
        assert [name for _, name, _ in at.domain.asked] == ["room.join", "media.state", "room.join"]


async def test_whoever_does_not_read_is_dropped(tmp_path: Path) -> None:
    async with stage(tmp_path, outgoing_limit=50) as at, aiohttp.ClientSession() as session:
        headers = {"Cookie": "konsilium_patient=ses_patient.patient"}
        url = at.url + "/socket.io/?EIO=4&transport=websocket"
        async with session.ws_connect(url, headers=headers) as socket:
            await socket.send_str('40/consultation,{"participant":"patient"}')
            async with asyncio.timeout(20):
                while not at.domain.connected:
                    await asyncio.sleep(0.01)
            connection = at.domain.connected[0].connection
            for number in range(100):
                at.outbox.send(connection, participant_changed(number))
            gone = await asyncio.wait_for(at.domain.disconnected.get(), 20)
        assert gone.connection == connection
        assert at.outbox.dropped == {ErrorCode.SLOW_CONSUMER: 1}
        at.outbox.send(connection, participant_changed(0))
        at.outbox.send(ConnectionId("never seen"), participant_changed(0))


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "x",
        "9",
        "4",
        "49",
        "42/consultation,",
        "42/consultation,[",
        "42/consultation,{}",
        "42/consultation,[]",
        "42/consultation,[1]",
        '42/consultation,["room.join"]',
        "42/consultation,1" + "[" * 5000 + "]" * 5000,
        '42/other,["room.join",{}]',
        '451-/consultation,["room.join",{"_placeholder":true,"num":0}]',
        '45999999999-/consultation,["room.join",{"_placeholder":true,"num":0}]',
        "44/consultation,{}",
        "40/consultation,[",
        "43/consultation,1[]",
        "4" + "x" * 300_000,
    ],
)
async def test_garbage_on_the_socket_leaves_no_traceback(
    tmp_path: Path, raw: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    async with stage(tmp_path) as at, browser(at, "doctor") as other, aiohttp.ClientSession() as session:
        headers = {"Cookie": "konsilium_patient=ses_patient.patient"}
        url = at.url + "/socket.io/?EIO=4&transport=websocket"
        with caplog.at_level(logging.DEBUG):
            async with session.ws_connect(url, headers=headers) as socket:
                await socket.receive_str()
                await socket.send_str('40/consultation,{"participant":"patient"}')
                await socket.receive_str()
                await socket.send_str(raw)
                assert (await ask(other, "admission.check", {"id": "1"}))["ok"]
            await asyncio.wait_for(at.domain.disconnected.get(), 20)
        assert not any(record.exc_info for record in caplog.records)
        output = capsys.readouterr()
        assert "Traceback" not in caplog.text + output.out + output.err
        assert_empty(at)


async def test_announced_attachments_are_not_collected(tmp_path: Path) -> None:
    async with stage(tmp_path) as at, aiohttp.ClientSession() as session:
        headers = {"Cookie": "konsilium_patient=ses_patient.patient"}
        url = at.url + "/socket.io/?EIO=4&transport=websocket"
        async with session.ws_connect(url, headers=headers) as socket:
            await socket.receive_str()
            await socket.send_str('40/consultation,{"participant":"patient"}')
            await socket.receive_str()
            await socket.send_str('45999999999-/consultation,["room.join",{"_placeholder":true,"num":0}]')
            await socket.send_bytes(bytes(1000))
            await socket.send_str('42/consultation,7["admission.check",{"id":"1"}]')
            async with asyncio.timeout(20):
                while not (await socket.receive_str()).startswith("43/consultation,7"):
                    continue
            assert not at.sockets._binary_packet


def assert_empty(at: Stage) -> None:
    assert at.gateway.open_connections == 1, "the connection's resources are freed"
