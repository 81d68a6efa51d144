"""A repeated command is recognised by its id and answered from memory, across sockets of one device."""

import asyncio

from contract.errors import ErrorCode
from contract.ids import ConnectionId, SessionId
from signaling.dispatch import Dispatcher
from signaling.permissions import Place
from signaling.session import KEPT_SECONDS, STORED_ANSWERS, DeviceSession, DeviceSessions
from tests.signaling.fakes import PAYLOADS, FakeConsultations, NoLongerThere, caller


def payload(name: str, command_id: str = "1") -> tuple[object, ...]:
    return ({"id": command_id, **PAYLOADS[name]},)


async def test_same_id_is_done_once_also_on_another_socket() -> None:
    domain, device = FakeConsultations(), DeviceSession()
    dispatcher = Dispatcher(domain.handlers())
    first = await dispatcher.answer(caller(), Place.ROOM, device, "media.state", payload("media.state"))
    again = await dispatcher.answer(
        caller(connection="sid2"), Place.ROOM, device, "media.state", payload("media.state")
    )
    assert first == again == {"ok": True, "result": {}}
    assert len(domain.asked) == 1


async def test_a_command_in_progress_is_waited_for() -> None:
    domain, device = FakeConsultations(gate=asyncio.Event()), DeviceSession()
    assert domain.gate is not None
    dispatcher = Dispatcher(domain.handlers())
    first = asyncio.create_task(dispatcher.answer(caller(), Place.ROOM, device, "media.state", payload("media.state")))
    again = asyncio.create_task(
        dispatcher.answer(caller(connection="sid2"), Place.ROOM, device, "media.state", payload("media.state"))
    )
    await asyncio.sleep(0)
    domain.gate.set()
    assert await first == await again
    assert len(domain.asked) == 1


async def test_a_repeat_of_a_command_that_was_cut_off_is_done_anew() -> None:
    domain, device = FakeConsultations(gate=asyncio.Event()), DeviceSession()
    assert domain.gate is not None
    dispatcher = Dispatcher(domain.handlers())
    first = asyncio.create_task(dispatcher.answer(caller(), Place.ROOM, device, "media.state", payload("media.state")))
    again = asyncio.create_task(
        dispatcher.answer(caller(connection="sid2"), Place.ROOM, device, "media.state", payload("media.state"))
    )
    await asyncio.sleep(0)
    first.cancel()
    domain.gate.set()
    assert (await again)["ok"]
    assert len(domain.asked) == 2


async def test_what_belongs_to_a_socket_is_done_again_on_another() -> None:
    domain, device = FakeConsultations(), DeviceSession()
    dispatcher = Dispatcher(domain.handlers())
    for connection in ("sid1", "sid1", "sid2"):
        answer = await dispatcher.answer(
            caller(connection=connection), Place.LOBBY, device, "room.join", payload("room.join")
        )
        assert answer["ok"]
    assert [who.connection for who, _, _ in domain.asked] == ["sid1", "sid2"]


async def test_an_id_belongs_to_one_command() -> None:
    device = DeviceSession()
    dispatcher = Dispatcher(FakeConsultations().handlers())
    await dispatcher.answer(caller(), Place.ROOM, device, "media.state", payload("media.state"))
    answer = await dispatcher.answer(caller(), Place.ROOM, device, "room.leave", payload("room.leave"))
    assert answer["error"]["code"] == ErrorCode.CONFLICT


async def test_refusals_are_not_remembered() -> None:
    domain, device = FakeConsultations(raises=NoLongerThere()), DeviceSession()
    dispatcher = Dispatcher(domain.handlers())
    assert not (await dispatcher.answer(caller(), Place.ROOM, device, "media.state", payload("media.state")))["ok"]
    domain.raises = None
    assert (await dispatcher.answer(caller(), Place.ROOM, device, "media.state", payload("media.state")))["ok"]


async def test_memory_is_bounded() -> None:
    domain, device = FakeConsultations(), DeviceSession()
    dispatcher = Dispatcher(domain.handlers())
    for number in [*range(STORED_ANSWERS + 1), 0]:
        await dispatcher.answer(caller(), Place.ROOM, device, "media.view", payload("media.view", f"id {number}"))
    assert len(domain.asked) == STORED_ANSWERS + 2


def test_devices_without_a_socket_are_forgotten_in_time() -> None:
    now = 0.0
    sessions = DeviceSessions(lambda: now)
    session, connection = SessionId("ses_1"), ConnectionId("sid1")
    device = sessions.attach(session, connection)
    sessions.detach(session, connection)
    assert sessions.attach(session, ConnectionId("sid2")) is device
    sessions.detach(session, ConnectionId("sid2"))
    now = KEPT_SECONDS + 1
    sessions.attach(SessionId("ses_2"), ConnectionId("sid3"))
    assert len(sessions) == 1
    assert sessions.attach(session, connection) is not device
