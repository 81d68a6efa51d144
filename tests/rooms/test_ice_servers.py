"""Who is given TURN credentials: those who are about to need them, and nobody else."""

from datetime import timedelta
from pathlib import Path

import pytest

from contract.ids import ParticipantId
from rooms.consultations import NotAdmitted
from rooms.messages import AskIceServers, IceServer, IceServers, VerdictCode
from tests.rooms.support import START
from tests.rooms.world import World

ASK = AskIceServers(id="c")


class Source:
    def issue(self, participant: ParticipantId) -> IceServers:
        return IceServers(servers=(IceServer(urls=(), username=participant, credential=""),), expires_seconds=60)


async def test_those_who_wait_and_those_inside_are_given_them(tmp_path: Path) -> None:
    world = await World.open(tmp_path)
    world.rooms.consultations._ice_servers = Source()
    tokens = await world.book()
    patient, doctor = await world.arrive(tokens["patient"]), await world.arrive(tokens["doctor"])
    for caller in (patient, doctor):
        answer = await world.rooms.consultations.media_servers(caller, ASK)
        assert answer.servers[0].username == caller.participant
    await world.join(doctor)
    assert (await world.rooms.consultations.media_servers(doctor, ASK)).servers
    await world.close()


async def test_nobody_else_is(tmp_path: Path) -> None:
    world = await World.open(tmp_path, now=START - timedelta(hours=2))
    world.rooms.consultations._ice_servers = Source()
    early = await world.arrive((await world.book(paid=False))["patient"])
    with pytest.raises(NotAdmitted) as caught:
        await world.rooms.consultations.media_servers(early, ASK)
    assert caught.value.verdict.code is VerdictCode.PAYMENT_REQUIRED
    await world.close()


async def test_without_a_turn_server_there_are_none(tmp_path: Path) -> None:
    world = await World.open(tmp_path)
    doctor = await world.arrive((await world.book())["doctor"])
    assert await world.rooms.consultations.media_servers(doctor, ASK) == IceServers(servers=(), expires_seconds=0)
    await world.close()
