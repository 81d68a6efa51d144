"""What tests of consultations begin with and look at."""

import asyncio
from collections.abc import Callable

from rooms.messages import (
    AdmissionChanged,
    ConnectionState,
    LeaveRoom,
    ParticipantChanged,
    VerdictCode,
)
from rooms.model import Appointment
from rooms.outbox import Caller
from tests.rooms.support import CLINIC
from tests.rooms.world import World

LEAVE = LeaveRoom(id="l")
PATIENCE = 20.0


async def together(world: World) -> tuple[Caller, Caller]:
    """Patient and doctor in the room."""
    tokens = await world.book()
    patient, doctor = await world.arrive(tokens["patient"]), await world.arrive(tokens["doctor"])
    await world.join(doctor)
    await world.join(patient)
    return patient, doctor


async def stored(world: World) -> Appointment:
    async with world.rooms.store.read() as transaction:
        [appointment] = await transaction.appointments.of_clinic(CLINIC.id)
    return appointment


def verdicts(world: World, caller: Caller) -> list[VerdictCode]:
    return [event.verdict.code for event in world.outbox.of(caller) if isinstance(event, AdmissionChanged)]


def seen(world: World, by: Caller, of: Caller) -> list[ConnectionState]:
    return [
        event.participant.connection
        for event in world.outbox.of(by)
        if isinstance(event, ParticipantChanged) and event.participant.person.id == of.participant
    ]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)
