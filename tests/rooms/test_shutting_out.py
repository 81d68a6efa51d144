"""Who may not stay inside loses the seat and the media at once."""

from datetime import timedelta
from pathlib import Path

import pytest

from contract.errors import (
    IdentityError,
    InputError,
    MissingError,
)
from rooms.consultations import NotAdmitted
from rooms.messages import (
    ConnectionState,
    RemoveParticipant,
    SeatLost,
    SeatLostReason,
    VerdictCode,
)
from rooms.sessions import DEVICES_PER_PARTICIPANT
from tests.rooms.observation import seen, together, verdicts
from tests.rooms.support import CLINIC
from tests.rooms.world import LINK_BASE, PEOPLE, World, whole


async def test_who_is_removed_is_out_for_good(world: World) -> None:
    patient, doctor = await together(world)
    consultations = world.rooms.consultations
    await consultations.remove_participant(doctor, RemoveParticipant(id="r", participant=patient.participant))
    assert SeatLost(reason=SeatLostReason.REMOVED) in world.outbox.of(patient)
    assert verdicts(world, patient)[-1] is VerdictCode.REMOVED
    assert world.transport(patient) is None
    with pytest.raises(NotAdmitted):
        await world.join(patient)
    with pytest.raises(InputError):
        await consultations.remove_participant(doctor, RemoveParticipant(id="r", participant=doctor.participant))
    with pytest.raises(MissingError):
        await consultations.remove_participant(doctor, RemoveParticipant(id="r", participant="par_unknown"))


@pytest.mark.parametrize("replaced", [False, True], ids=["revoked", "replaced by a new link"])
async def test_a_link_that_leaked_ends_what_was_opened_with_it(world: World, replaced: bool) -> None:
    tokens = await world.book()
    exchange = await world.rooms.sessions.exchange(tokens["patient"], None)
    assert exchange.participant is not None
    assert exchange.cookie_secret is not None
    inside = await world.connect(exchange.participant, exchange.cookie_secret)
    waiting, doctor = await world.arrive(tokens["patient"]), await world.arrive(tokens["doctor"])
    await world.join(doctor)
    await world.join(inside)
    change = world.bridge.reissue_link if replaced else world.bridge.revoke_link
    issued = await change(CLINIC.id, "A-1", "patient")
    assert SeatLost(reason=SeatLostReason.LINK_REVOKED) in world.outbox.of(inside)
    assert world.transport(inside) is None
    assert seen(world, doctor, inside)[-1] is ConnectionState.ABSENT
    assert {verdicts(world, one)[-1] for one in (inside, waiting)} == {VerdictCode.LINK_REVOKED}
    assert set(world.outbox.closed) == {inside.connection, waiting.connection}
    with pytest.raises(NotAdmitted):
        await world.join(inside)
    with pytest.raises(IdentityError):
        await world.connect(exchange.participant, exchange.cookie_secret)
    assert SeatLost not in {type(event) for event in world.outbox.of(doctor)}
    if issued is not None:
        await world.join(await world.arrive(issued.url.removeprefix(LINK_BASE)))


async def test_a_seat_kept_over_a_restart_ends_with_its_link_too(tmp_path: Path) -> None:
    world = await World.open(tmp_path)
    patient, doctor = await together(world)
    await world.close()
    again = await World.open(tmp_path)
    again.media.transports = dict(world.media.transports)
    await again.bridge.revoke_link(CLINIC.id, "A-1", "patient")
    assert again.transport(patient) is None
    assert again.transport(doctor) is not None
    await again.close()


async def test_whoever_is_withdrawn_while_inside_loses_the_seat(world: World) -> None:
    tokens = await world.book()
    mother, doctor = await world.arrive(tokens["mother"]), await world.arrive(tokens["doctor"])
    second_device = await world.arrive(tokens["mother"])
    await world.join(doctor)
    await world.join(mother)
    await world.send("appointment.updated", 2, **whole(participants=PEOPLE[:2]))
    assert SeatLost(reason=SeatLostReason.NOT_INVITED) in world.outbox.of(mother)
    assert world.transport(mother) is None
    assert seen(world, doctor, mother)[-1] is ConnectionState.ABSENT
    assert {verdicts(world, one)[-1] for one in (mother, second_device)} == {VerdictCode.NOT_INVITED}
    for device in (mother, second_device):
        with pytest.raises(NotAdmitted):
            await world.join(device, take_over=True)
    await world.send("appointment.updated", 3, **whole())
    await world.join(mother)


@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a restart"])
async def test_a_forgotten_device_leaves_the_room_with_its_media(tmp_path: Path, restarted: bool) -> None:
    world = await World.open(tmp_path)
    tokens = await world.book()
    exchange = await world.rooms.sessions.exchange(tokens["patient"], None)
    assert exchange.participant is not None
    assert exchange.cookie_secret is not None
    inside = await world.connect(exchange.participant, exchange.cookie_secret)
    doctor = await world.arrive(tokens["doctor"])
    await world.join(doctor)
    await world.join(inside)
    if restarted:
        await world.close()
        transports = world.media.transports
        world = await World.open(tmp_path)
        world.media.transports = transports
    await world.rooms.sessions.forget(exchange.participant, exchange.cookie_secret)
    await world.rooms.consultations.device_forgotten(inside.appointment, inside.participant, inside.session)
    assert world.transport(inside) is None
    assert world.transport(doctor) is not None
    if not restarted:
        assert seen(world, doctor, inside)[-1] is ConnectionState.ABSENT
    with pytest.raises(NotAdmitted):
        await world.join(inside)
    await world.join(await world.arrive(tokens["patient"]))
    await world.close()


async def test_a_device_pushed_out_by_too_many_others_leaves_the_room(world: World) -> None:
    tokens = await world.book()
    inside, doctor = await world.arrive(tokens["patient"]), await world.arrive(tokens["doctor"])
    await world.join(doctor)
    await world.join(inside)
    for _ in range(DEVICES_PER_PARTICIPANT):
        world.clock.advance(timedelta(seconds=1))
        exchange = await world.rooms.sessions.exchange(tokens["patient"], None)
    [device] = exchange.pushed_out
    await world.rooms.consultations.device_forgotten(device.appointment, device.participant, device.session)
    assert world.transport(inside) is None
    assert seen(world, doctor, inside)[-1] is ConnectionState.ABSENT


async def test_forgetting_one_device_leaves_the_other_inside(world: World) -> None:
    tokens = await world.book()
    phone, tablet = await world.arrive(tokens["doctor"]), await world.arrive(tokens["doctor"])
    await world.join(tablet)
    await world.rooms.consultations.device_forgotten(phone.appointment, phone.participant, phone.session)
    assert world.transport(tablet) is not None
