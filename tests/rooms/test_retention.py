"""What is old goes, wholly and for its own clinic alone; the audit trail stays much longer."""

import asyncio
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import URL, func, select

import rooms.retention
from contract.ids import ClinicId
from rooms.assembly import DATABASE_FILE
from rooms.policy import DEFAULT_POLICY, Policy, parse_policy
from rooms.reception import LINK_LIFETIME
from rooms.retention import RECEIPTS_KEPT, Retention
from rooms.storage.database import Database
from rooms.storage.records import Receipt
from rooms.storage.tables import metadata
from tests.rooms.support import CLINIC, END, START
from tests.rooms.world import World, a_clinic, an_event, signed, whole

EVERY_DATABASE = True
KEPT = timedelta(days=DEFAULT_POLICY.appointments_kept_days)
OTHER_SECRET = "whsec_b3RoZXI="


async def counts(location: Path | URL) -> dict[str, int]:
    database = await Database.open(location)
    async with database.read() as connection:
        rows = {
            table.name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in metadata.sorted_tables
        }
    await database.close()
    return rows


async def test_an_old_appointment_goes_with_all_that_belongs_to_it(world: World, location: Path | URL) -> None:
    tokens = await world.book()
    await world.arrive(tokens["patient"])
    sweeper = Retention(world.rooms.store, world.clock)
    world.clock.advance(END - START + KEPT)
    await sweeper.sweep()
    assert (await counts(location))["appointments"] == 1
    world.clock.advance(timedelta(microseconds=1))
    await sweeper.sweep()
    left = await counts(location)
    assert {name: number for name, number in left.items() if number} == {"clinics": 1, "audit": 4}
    async with world.rooms.store.read() as transaction:
        removed = (await transaction.audit.of_clinic(CLINIC.id))[-1]
    assert (removed.action, removed.detail, removed.appointment) == ("retention.removed", "appointments 1", None)
    exchange = await world.rooms.sessions.exchange(tokens["patient"], None)
    assert (exchange.participant, exchange.verdict.code.value) == (None, "link_invalid")


async def test_each_clinic_keeps_as_long_as_its_own_policy_says(world: World, location: Path | URL) -> None:
    await world.book()
    short = msgspec.structs.replace(DEFAULT_POLICY, appointments_kept_days=31)
    await world.bridge.add_clinic(a_clinic(short, ClinicId("other"), OTHER_SECRET))
    body = an_event("appointment.created", 1, clinic="other", **whole())
    await world.bridge.receive(signed(body, "m", OTHER_SECRET), body)
    world.clock.advance(timedelta(days=32))
    await Retention(world.rooms.store, world.clock).sweep()
    async with world.rooms.store.read() as transaction:
        assert len(await transaction.appointments.of_clinic(CLINIC.id)) == 1
        assert await transaction.appointments.of_clinic(ClinicId("other")) == []


async def test_what_was_moved_is_kept_from_its_new_end(world: World, location: Path | URL) -> None:
    await world.book()
    later = START + KEPT
    await world.send(
        "appointment.rescheduled", 2, starts_at=later.isoformat(), ends_at=(later + timedelta(hours=1)).isoformat()
    )
    world.clock.advance(KEPT + timedelta(days=2))
    await Retention(world.rooms.store, world.clock).sweep()
    assert (await counts(location))["appointments"] == 1


async def test_the_audit_trail_goes_much_later(world: World, location: Path | URL) -> None:
    await world.book()
    world.clock.advance(timedelta(days=DEFAULT_POLICY.audit_kept_days))
    sweeper = Retention(world.rooms.store, world.clock)
    await sweeper.sweep()
    assert (await counts(location))["audit"] == 3
    world.clock.advance(timedelta(seconds=1))
    await sweeper.sweep()
    async with world.rooms.store.read() as transaction:
        assert [one.action for one in await transaction.audit.of_clinic(CLINIC.id)] == ["retention.removed"]


async def test_webhook_ids_and_devices_go_when_they_are_of_no_use(world: World, location: Path | URL) -> None:
    await world.arrive((await world.book())["patient"])
    sweeper = Retention(world.rooms.store, world.clock)
    world.clock.advance(END - START + max(RECEIPTS_KEPT, LINK_LIFETIME) - timedelta(hours=1))
    await sweeper.sweep()
    kept = await counts(location)
    world.clock.advance(timedelta(hours=2))
    await sweeper.sweep()
    left = await counts(location)
    assert (kept["device_sessions"], left["device_sessions"], left["webhook_receipts"]) == (1, 0, 0)
    assert left["appointments"] == 1


async def test_more_than_a_piece_goes_in_one_sweep(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms.retention, "PIECE", 2)
    async with world.rooms.store.write() as transaction:
        for number in range(5):
            await transaction.receipts.add(Receipt(CLINIC.id, f"m{number}", "", "", START))
    world.clock.advance(RECEIPTS_KEPT + timedelta(days=1))
    await Retention(world.rooms.store, world.clock).sweep()
    async with world.rooms.store.read() as transaction:
        assert [await transaction.receipts.find(CLINIC.id, f"m{number}") for number in range(5)] == [None] * 5


async def test_it_sweeps_by_itself_and_ends(world: World) -> None:
    await world.book()
    world.clock.advance(KEPT + timedelta(days=1))
    sweeper = Retention(world.rooms.store, world.clock, first_after=0)
    sweeper.start()
    async with asyncio.timeout(30):
        while await _appointments(world):
            await asyncio.sleep(0.01)
    await sweeper.close()


async def _appointments(world: World) -> int:
    async with world.rooms.store.read() as transaction:
        return len(await transaction.appointments.of_clinic(CLINIC.id))


def test_days_that_make_no_sense_are_refused() -> None:
    assert timedelta(days=31) > LINK_LIFETIME
    for wrong in ('{"appointments_kept_days": 30}', '{"appointments_kept_days": 400, "audit_kept_days": 399}'):
        with pytest.raises(msgspec.ValidationError):
            parse_policy(wrong)
    assert Policy(appointments_kept_days=31).audit_kept_days > 31


async def test_deleted_names_do_not_stay_in_the_file(tmp_path: Path) -> None:
    world = await World.open(tmp_path)
    await world.book(title="unmistakable-title")
    world.clock.advance(KEPT + timedelta(days=1))
    await Retention(world.rooms.store, world.clock).sweep()
    await world.close()
    content = await asyncio.to_thread((tmp_path / DATABASE_FILE).read_bytes)
    assert b"clinic.set_up" in content
    assert b"unmistakable-title" not in content
