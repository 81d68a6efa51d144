"""Changed people, strange names, and who set a clinic up."""

import pytest

from contract.errors import MissingError
from tests.rooms.support import CLINIC
from tests.rooms.world import PEOPLE, World, whole

EVERY_DATABASE = True


async def test_whose_role_was_changed_has_to_connect_anew(world: World) -> None:
    """A connection's rights go by the role it came with."""
    tokens = await world.book()
    doctor = await world.arrive(tokens["doctor"])
    await world.arrive(tokens["patient"])
    await world.join(doctor)
    observer = {**PEOPLE[1], "role": "observer"}
    await world.send("appointment.updated", 2, **whole(participants=[PEOPLE[0], observer]))
    assert set(world.outbox.closed) == {doctor.connection}


async def test_a_name_that_can_not_be_stored_is_not_found(world: World) -> None:
    await world.book()
    for appointment, participant in (("A-1\x00", "patient"), ("A-1", "\x00"), ("", "patient"), ("A" * 201, "patient")):
        with pytest.raises(MissingError):
            await world.bridge.reissue_link(CLINIC.id, appointment, participant)


async def test_setting_a_clinic_up_leaves_an_audit_row(world: World) -> None:
    async with world.rooms.store.read() as transaction:
        [row] = await transaction.audit.of_clinic(CLINIC.id)
    assert (row.action, row.appointment) == ("clinic.set_up", None)
