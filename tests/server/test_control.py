"""The operator's socket and drain mode, on a real clinic with no workers."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.errors import ErrorCode, UnavailableError
from server.cli import main
from server.control import Control
from server.control_messages import BeginDrain, EndDrain, NodeStatus, Order, RestartWorker, ShowStatus, control_socket
from server.drain import DRAIN_FILE, Drain, forget_drain
from server.media_link import MediaLink
from server.node_command import NodeUnreachable, give
from tests.rooms.observation import LEAVE, together
from tests.rooms.support import a_join, an_offer
from tests.rooms.world import World


@dataclass
class Operated:
    world: World
    drain: Drain
    control: Control
    ended: asyncio.Event

    async def give(self, order: Order) -> NodeStatus:
        return await asyncio.to_thread(give, order, self.world.folder)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Operated]:
    world = await World.open(tmp_path)
    ended = asyncio.Event()
    media = MediaLink([tmp_path / "worker-0.sock"])
    drain = Drain(tmp_path, world.rooms.consultations, ended.set)
    control = Control(drain, world.rooms.consultations, media)
    await control.open(tmp_path)
    yield Operated(world, drain, control, ended)
    await control.close()
    drain.close()
    await media.close()
    await world.close()


async def test_the_socket_is_for_its_owner_alone(node: Operated) -> None:
    path = control_socket(node.world.folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_draining_node_opens_no_room_and_live_ones_go_on(node: Operated) -> None:
    world = node.world
    patient, doctor = await together(world)
    status = await node.give(BeginDrain())
    assert (status.draining, status.rooms, status.people) == (True, 1, 2)
    await world.rooms.consultations.leave(patient, LEAVE)
    await world.rooms.consultations.leave(doctor, LEAVE)
    assert (await node.give(ShowStatus())).rooms == 0
    # The consultation is under way: its people come back in.
    await world.rooms.consultations.connect(patient)
    await world.rooms.consultations.join(patient, a_join(an_offer()))
    assert (await node.give(EndDrain())).draining is False


async def test_nobody_enters_a_room_that_would_be_new(node: Operated) -> None:
    tokens = await node.world.book()
    doctor = await node.world.arrive(tokens["doctor"])
    await node.give(BeginDrain())
    with pytest.raises(UnavailableError) as refused:
        await node.world.join(doctor)
    assert refused.value.code is ErrorCode.DRAINING
    await node.give(EndDrain())
    await node.world.join(doctor)


async def test_an_empty_node_ends_itself_when_it_was_told_to(node: Operated) -> None:
    patient, doctor = await together(node.world)
    await node.give(BeginDrain(exit_when_empty=True))
    await asyncio.sleep(1.2)
    assert not node.ended.is_set()
    for one in (patient, doctor):
        await node.world.rooms.consultations.leave(one, LEAVE)
    async with asyncio.timeout(20):
        await node.ended.wait()


async def test_a_server_process_that_is_started_again_goes_on_draining(node: Operated) -> None:
    await node.give(BeginDrain(exit_when_empty=True))
    node.drain.close()
    ended = asyncio.Event()
    after = Drain(node.world.folder, node.world.rooms.consultations, ended.set)
    node.world.rooms.consultations.draining = False
    await after.take_up()
    assert after.on
    async with asyncio.timeout(20):
        await ended.wait()
    after.close()
    await asyncio.to_thread(forget_drain, node.world.folder)
    assert not (node.world.folder / DRAIN_FILE).exists()
    node.world.rooms.consultations.draining = False
    await after.take_up()
    assert not after.on


async def test_what_can_not_be_done_is_said(node: Operated) -> None:
    assert "worker-7" in (await node.give(RestartWorker(worker="worker-7"))).error
    assert "not there" in (await node.give(RestartWorker(worker="worker-0"))).error


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b'{"order": "reboot"}\n', b"\xff\xfe\n", b"x" * (1 << 17) + b"\n"])
async def test_nonsense_is_answered_or_hung_up_on(node: Operated, line: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(str(control_socket(node.world.folder)))
    writer.write(line)
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    assert not answer or json.loads(answer)["error"]
    assert (await node.give(ShowStatus())).error == ""


async def test_the_command_line(node: Operated, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--data", str(node.world.folder)]
    assert await asyncio.to_thread(main, ["drain", *folder]) == 0
    assert "no new rooms" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["status", "--json", *folder]) == 0
    assert json.loads(capsys.readouterr().out)["draining"] is True
    assert await asyncio.to_thread(main, ["undrain", *folder]) == 0
    assert "Taking new rooms" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["restart-worker", "worker-0", "--now", *folder]) == 1
    assert "worker-0 is not there" in capsys.readouterr().err


def test_no_node_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--data", str(tmp_path)]) == 1
    assert "no node answers" in capsys.readouterr().err
    with pytest.raises(NodeUnreachable):
        give(ShowStatus(), tmp_path)
