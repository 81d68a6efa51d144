"""Quality in a whole clinic: told in the room, stored for the clinic, over restarts of the server."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.errors import MissingError
from contract.ids import AppointmentId, ClinicId, PeerId, RoomId
from rooms.media_port import Flow, LinkMeasure, RoomMeasure
from rooms.messages import ConnectionState, FinishConsultation, LinkLevel, QualityChanged
from rooms.outbox import Caller
from rooms.quality.evidence import BreakCause
from rooms.storage.quality import QualityTable
from tests.rooms.observation import LEAVE, together
from tests.rooms.support import CLINIC, END, RecordingMedia, a_join
from tests.rooms.world import World


def live(world: World, *people: Caller) -> None:
    for caller in people:
        for listener in world.media.listeners:
            listener.peer_state_changed(RoomId(caller.appointment), PeerId(caller.participant), ConnectionState.LIVE)


async def talk(world: World, patient: Caller, doctor: Caller, seconds: int, link: LinkMeasure | None = None) -> None:
    """They hear and see each other; the watch looks every 5 s."""
    one, other = PeerId(patient.participant), PeerId(doctor.participant)
    room = RoomId(patient.appointment)
    for _ in range(seconds // 5):
        known = world.media.measured.get(room)
        packets = 1 if known is None else known.flows[0].sound + 250
        flows = (Flow(one, other, packets, packets), Flow(other, one, packets, packets))
        world.media.measured[room] = RoomMeasure({one: link or LinkMeasure(), other: LinkMeasure()}, flows)
        world.clock.advance(timedelta(seconds=5))
        await world.rooms.consultations.quality.look([patient.appointment])


def levels(world: World, by: Caller, of: Caller) -> list[LinkLevel]:
    told = [event for event in world.outbox.of(by) if isinstance(event, QualityChanged)]
    return [one.level for event in told for one in event.people if one.participant == of.participant]


async def test_the_clinic_reads_what_the_server_saw(world: World) -> None:
    patient, doctor = await together(world)
    live(world, patient, doctor)
    await talk(world, patient, doctor, 60)
    world.media.listeners[0].worker_lost(frozenset({RoomId(patient.appointment)}))
    world.clock.advance(timedelta(seconds=2))
    live(world, patient, doctor)
    await talk(world, patient, doctor, 20)
    await world.rooms.consultations.leave(patient, LEAVE)
    world.clock.advance(timedelta(seconds=10))
    await world.rooms.consultations.finish(doctor, FinishConsultation(id="f"))
    told = await world.bridge.quality(CLINIC.id, "A-1")
    # The first look proves nothing, nor does the one that begins with the new worker's counters.
    assert 65 <= told.two_way_sound_seconds <= 80
    assert told.two_way_picture_seconds == told.two_way_sound_seconds
    assert {one.participant: one.live_seconds for one in told.people} == {"patient": 80, "doctor": 90}
    assert [(one.participant, one.cause, one.seconds) for one in told.breaks] == [
        ("doctor", BreakCause.WORKER_LOST, 2),
        ("patient", BreakCause.WORKER_LOST, 2),
        ("patient", BreakCause.LEFT, 10),
    ]
    assert [one.break_counts for one in told.people] == [{"worker_lost": 1, "left": 1}, {"worker_lost": 1}]
    assert told.finished_at == told.counted_until


async def test_time_in_which_the_worker_could_not_be_asked_is_told_as_unobserved(world: World) -> None:
    patient, doctor = await together(world)
    live(world, patient, doctor)
    await talk(world, patient, doctor, 60)
    before = await world.bridge.quality(CLINIC.id, "A-1")
    kept = world.media.measured.pop(RoomId(patient.appointment))
    world.outbox.clear()
    for _ in range(12):
        world.clock.advance(timedelta(seconds=5))
        await world.rooms.consultations.quality.look([patient.appointment])
    assert not levels(world, doctor, patient)
    world.media.measured[RoomId(patient.appointment)] = kept
    await talk(world, patient, doctor, 60)
    told = await world.bridge.quality(CLINIC.id, "A-1")
    # One look more: the first that succeeds can't say when it flowed.
    assert told.unobserved_seconds == 65
    assert told.two_way_sound_seconds == before.two_way_sound_seconds + 55
    assert {one.participant: one.live_seconds for one in told.people} == {"patient": 115, "doctor": 115}


async def test_a_conversation_in_text_alone_is_watched_without_media(world: World) -> None:
    tokens = await world.book()
    patient, doctor = await world.arrive(tokens["patient"]), await world.arrive(tokens["doctor"])
    for one in (doctor, patient):
        await world.rooms.consultations.join(one, a_join())
    for _ in range(4):
        world.clock.advance(timedelta(seconds=5))
        await world.rooms.consultations.quality.look([patient.appointment])
    told = await world.bridge.quality(CLINIC.id, "A-1")
    assert told.unobserved_seconds == 0
    assert {one.participant: one.live_seconds for one in told.people} == {"patient": 20, "doctor": 20}


async def test_it_is_the_clinics_own_and_leaves_an_audit_row(world: World) -> None:
    patient, _ = await together(world)
    with pytest.raises(MissingError):
        await world.bridge.quality(ClinicId("another"), "A-1")
    told = await world.bridge.quality(CLINIC.id, "A-1")
    assert (told.appointment, told.people, told.breaks) == (patient.appointment, (), ())
    async with world.rooms.store.read() as transaction:
        entries = await transaction.audit.of_appointment(patient.appointment)
    assert entries[-1].action == "quality.read"


async def test_reading_it_stores_no_other_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    patient, doctor = await together(world)
    live(world, patient, doctor)
    await talk(world, patient, doctor, 10)
    other = AppointmentId("apt_other")
    watch = world.rooms.consultations.quality
    watch._kept[other] = replace(watch._kept[patient.appointment])
    stored: list[set[AppointmentId]] = []
    put = QualityTable.put

    async def listed(table: QualityTable, evidence: dict[AppointmentId, Any], written: Any) -> None:
        stored.append(set(evidence))
        await put(table, evidence, written)

    monkeypatch.setattr(QualityTable, "put", listed)
    assert (await world.bridge.quality(CLINIC.id, "A-1")).people
    assert stored == [{patient.appointment}]
    await watch.flush()
    assert stored[1:] == [{other}]


async def test_everybody_is_told_how_good_the_links_are(world: World) -> None:
    patient, doctor = await together(world)
    live(world, patient, doctor)
    await talk(world, patient, doctor, 10)
    world.outbox.clear()
    await talk(world, patient, doctor, 20, LinkMeasure(uplink_lost=0.3))
    assert levels(world, doctor, patient) == levels(world, patient, patient) == [LinkLevel.POOR]
    world.outbox.clear()
    room, peer = RoomId(patient.appointment), PeerId(patient.participant)
    world.media.listeners[0].peer_state_changed(room, peer, ConnectionState.GONE)
    assert levels(world, doctor, patient) == [LinkLevel.LOST]


async def test_who_comes_back_is_told_what_was_told_before(world: World) -> None:
    patient, doctor = await together(world)
    live(world, patient, doctor)
    await talk(world, patient, doctor, 10)
    await world.rooms.consultations.disconnect(doctor)
    world.outbox.clear()
    await world.rooms.consultations.connect(doctor)
    await world.rooms.consultations.join(doctor, a_join(resume=world.transport(doctor)))
    assert levels(world, doctor, patient)


async def test_who_came_for_text_alone_has_no_link_to_judge(world: World) -> None:
    tokens = await world.book()
    doctor = await world.arrive(tokens["doctor"])
    await world.rooms.consultations.join(doctor, a_join())
    assert not levels(world, doctor, doctor)


async def test_a_server_that_is_started_again_goes_on_counting(tmp_path: Path) -> None:
    world = await World.open(tmp_path)
    patient, doctor = await together(world)
    live(world, patient, doctor)
    await talk(world, patient, doctor, 30)
    await world.rooms.consultations.quality.flush()
    # Killed: nothing more is stored. The next server finds the doctor's media alive, the patient's not.
    lived_on = RecordingMedia(dict(world.media.transports), dict(world.media.rooms))
    del lived_on.transports[PeerId(patient.participant)]
    await world.close()
    again = await World.open(tmp_path, now=world.clock.now() + timedelta(seconds=6), media=lived_on)
    again.clock.advance(timedelta(seconds=4))
    back = await again.connect_again(patient)
    await again.join(back)
    live(again, back)
    told = await again.bridge.quality(CLINIC.id, "A-1")
    assert told.unobserved_seconds == 6
    assert [(one.participant, one.cause, one.seconds) for one in told.breaks] == [
        ("patient", BreakCause.SERVER_RESTARTED, 10)
    ]
    assert {one.participant: one.live_seconds for one in told.people} == {"patient": 30, "doctor": 34}
    await again.close()


async def test_a_full_disk_loses_nothing_but_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    patient, doctor = await together(world)
    live(world, patient, doctor)
    await talk(world, patient, doctor, 10)
    with monkeypatch.context() as patched:

        async def full(*_: Any) -> None:
            raise OSError("disk full")

        patched.setattr(QualityTable, "put", full)
        with pytest.raises(OSError, match="disk full"):
            await world.rooms.consultations.quality.flush()
    assert (await world.bridge.quality(CLINIC.id, "A-1")).people


async def test_a_room_is_forgotten_once_nobody_is_in_it(world: World) -> None:
    patient, doctor = await together(world)
    watch = world.rooms.consultations.quality
    for one in (patient, doctor):
        await world.rooms.consultations.leave(one, LEAVE)
    await watch.flush()
    assert not watch._kept
    back = await world.connect_again(patient)
    await world.join(back)
    live(world, back)
    told = await world.bridge.quality(CLINIC.id, "A-1")
    assert told.counted_until is not None


async def test_it_goes_with_its_appointment_even_while_it_is_being_counted(world: World) -> None:
    patient, doctor = await together(world)
    live(world, patient, doctor)
    await talk(world, patient, doctor, 10)
    await world.rooms.consultations.quality.flush()
    async with world.rooms.store.write() as transaction:
        assert await transaction.quality.get(patient.appointment) is not None
        await transaction.expired.remove_appointments(CLINIC.id, END + timedelta(days=1), 10)
        assert await transaction.quality.get(patient.appointment) is None
    await talk(world, patient, doctor, 10)
    await world.rooms.consultations.quality.flush()
