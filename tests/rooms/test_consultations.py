"""The commands of a consultation, on a real file, with a media server that remembers what it was asked."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.errors import (
    AccessError,
    ConflictError,
    ErrorCode,
    UnavailableError,
)
from contract.ids import ConnectionId, PeerId, RoomId
from rooms.assembly import open_rooms
from rooms.consultations import NotAdmitted
from rooms.encounter import EncounterLog
from rooms.messages import (
    CheckAdmission,
    ConnectionState,
    DeviceState,
    FinishConsultation,
    MediaLost,
    MediaState,
    MediaWanted,
    OfferMedia,
    ParticipantChanged,
    RemoveParticipant,
    RoomChanged,
    RoomNotice,
    SeatLost,
    SeatLostReason,
    SetMediaState,
    ShareScreen,
    SlotsChanged,
    SlotView,
    StopScreen,
    Tile,
    TileSize,
    VerdictCode,
    ViewMedia,
)
from rooms.model import AppointmentStatus, EncounterStatus
from tests.rooms.observation import LEAVE, PATIENCE, seen, stored, together, until, verdicts
from tests.rooms.support import END, ON, START, RecordingMedia, a_join, an_offer
from tests.rooms.world import LINK_BASE, World, whole


async def test_the_story_wait_enter_talk_finish(world: World) -> None:
    tokens = await world.book()
    patient = await world.arrive(tokens["patient"])
    with pytest.raises(NotAdmitted) as refused:
        await world.join(patient)
    assert refused.value.verdict.code is VerdictCode.WAITING_FOR_PRACTITIONER
    assert ("offer", PeerId(patient.participant)) not in world.media.asked
    assert (await stored(world)).status is AppointmentStatus.ARRIVED
    doctor = await world.arrive(tokens["doctor"])
    alone = await world.join(doctor)
    assert alone.snapshot.started_at is None
    await until(lambda: verdicts(world, patient)[-1:] == [VerdictCode.ADMITTED])
    result = await world.join(patient)
    assert result.answer is not None
    assert result.snapshot.started_at == START
    assert (await stored(world)).encounter is EncounterStatus.IN_PROGRESS
    assert (await stored(world)).status is AppointmentStatus.FULFILLED
    assert seen(world, doctor, patient) == [ConnectionState.CONNECTING]
    await world.rooms.consultations.finish(doctor, FinishConsultation(id="f"))
    told = [event for event in world.outbox.of(patient) if isinstance(event, RoomChanged)]
    assert told[-1].finished
    assert verdicts(world, patient)[-1] is VerdictCode.FINISHED
    assert world.media.transports == {}
    assert (await stored(world)).encounter is EncounterStatus.FINISHED
    with pytest.raises(NotAdmitted):
        await world.join(doctor)


async def test_commands_without_the_seat_are_refused(world: World) -> None:
    patient, doctor = await together(world)
    lobby = replace(patient, connection=ConnectionId("elsewhere"))
    consultations = world.rooms.consultations
    for attempt in (
        consultations.leave(lobby, LEAVE),
        consultations.offer_media(lobby, OfferMedia(id="o", offer=an_offer())),
        consultations.set_media_state(lobby, SetMediaState(id="s", media=ON)),
        consultations.view_media(lobby, ViewMedia(id="v", tiles=())),
        consultations.share_screen(lobby, ShareScreen(id="r")),
        consultations.stop_screen(lobby, StopScreen(id="p")),
        consultations.finish(replace(doctor, connection=ConnectionId("e")), FinishConsultation(id="f")),
    ):
        with pytest.raises(ConflictError) as refused:
            await attempt
        assert refused.value.code is ErrorCode.NOT_IN_ROOM


async def test_only_practitioners_finish_and_remove(world: World) -> None:
    patient, doctor = await together(world)
    for attempt in (
        world.rooms.consultations.finish(patient, FinishConsultation(id="f")),
        world.rooms.consultations.remove_participant(
            patient, RemoveParticipant(id="r", participant=doctor.participant)
        ),
    ):
        with pytest.raises(AccessError) as refused:
            await attempt
        assert refused.value.code is ErrorCode.FORBIDDEN


async def test_another_device_has_to_take_over_and_the_first_is_told(world: World) -> None:
    tokens = await world.book()
    patient, doctor = await world.arrive(tokens["patient"]), await world.arrive(tokens["doctor"])
    await world.join(doctor)
    await world.join(patient)
    phone = await world.arrive(tokens["patient"])
    assert (await world.rooms.consultations.check_admission(phone, CheckAdmission(id="c"))).inside_elsewhere
    with pytest.raises(ConflictError) as refused:
        await world.join(phone)
    assert refused.value.code is ErrorCode.ALREADY_INSIDE
    assert world.transport(patient) == f"pc-{patient.connection}"
    await world.join(phone, take_over=True)
    assert SeatLost(reason=SeatLostReason.TAKEN_OVER) in world.outbox.of(patient)
    assert world.transport(phone) == f"pc-{phone.connection}"
    with pytest.raises(ConflictError):
        await world.rooms.consultations.leave(patient, LEAVE)


async def test_two_devices_that_take_over_at_once_leave_one_seat(world: World) -> None:
    tokens = await world.book()
    doctor = await world.arrive(tokens["doctor"])
    await world.join(doctor)
    devices = [await world.arrive(tokens["patient"]) for _ in range(4)]
    await asyncio.gather(*(world.join(device, take_over=True) for device in devices))
    holders = []
    for device in devices:
        try:
            await world.rooms.consultations.set_media_state(device, SetMediaState(id="s", media=ON))
        except ConflictError:
            assert SeatLost(reason=SeatLostReason.TAKEN_OVER) in world.outbox.of(device)
        else:
            holders.append(device)
    assert len(holders) == 1
    assert world.transport(holders[0]) == f"pc-{holders[0].connection}"


async def test_two_devices_at_once_without_taking_over_let_one_in(world: World) -> None:
    tokens = await world.book()
    await world.join(await world.arrive(tokens["doctor"]))
    devices = [await world.arrive(tokens["patient"]) for _ in range(3)]
    results = await asyncio.gather(*(world.join(device) for device in devices), return_exceptions=True)
    refused = [one for one in results if isinstance(one, ConflictError)]
    assert [one.code for one in refused] == [ErrorCode.ALREADY_INSIDE] * 2


async def test_a_dropped_socket_keeps_its_seat_and_resumes_its_media(world: World) -> None:
    patient, doctor = await together(world)
    listener = world.media.listeners[0]
    room, peer = RoomId(patient.appointment), PeerId(patient.participant)
    listener.peer_state_changed(room, peer, ConnectionState.LIVE)
    listener.slots_changed(room, peer, (SlotView(mid="2", participant=doctor.participant),), 0)
    world.outbox.clear()
    await world.rooms.consultations.disconnect(patient)
    assert seen(world, doctor, patient) == []
    back = replace(patient, connection=ConnectionId("again"))
    await world.rooms.consultations.connect(back)
    slots = world.media.slots = (SlotView(mid="2", participant=doctor.participant),)
    result = await world.rooms.consultations.join(back, a_join(resume=f"pc-{patient.connection}"))
    assert result.media_resumed
    assert result.answer is None
    assert SlotsChanged(slots=slots, missing_slots=0) in world.outbox.of(back)


async def test_others_are_told_of_a_bad_link_and_a_seat_is_given_up_in_the_end(tmp_path: Path) -> None:
    world = await World.open(tmp_path, seat_kept_seconds=0.05)
    patient, doctor = await together(world)
    listener = world.media.listeners[0]
    room, peer = RoomId(patient.appointment), PeerId(patient.participant)
    world.outbox.clear()
    for state in (ConnectionState.LIVE, ConnectionState.UNSTABLE, ConnectionState.GONE):
        listener.peer_state_changed(room, peer, state)
    await world.rooms.consultations.disconnect(patient)
    await until(lambda: seen(world, doctor, patient)[-1:] == [ConnectionState.ABSENT])
    assert seen(world, doctor, patient) == [
        ConnectionState.LIVE,
        ConnectionState.UNSTABLE,
        ConnectionState.RECONNECTING,
        ConnectionState.GONE,
        ConnectionState.ABSENT,
    ]
    await until(lambda: world.transport(patient) is None)
    await world.close()


async def test_a_lost_worker_asks_everybody_for_a_new_offer(world: World) -> None:
    patient, doctor = await together(world)
    world.outbox.clear()
    world.media.listeners[0].worker_lost(frozenset({RoomId(patient.appointment), RoomId("another")}))
    assert MediaLost() in world.outbox.of(patient)
    assert MediaLost() in world.outbox.of(doctor)
    answer = await world.rooms.consultations.offer_media(patient, OfferMedia(id="o", offer=an_offer("pc-new")))
    assert answer.description.connection == "pc-new"
    assert world.transport(patient) == "pc-new"


async def test_media_that_can_not_be_had_changes_nothing_in_the_room(world: World) -> None:
    tokens = await world.book()
    patient, doctor = await world.arrive(tokens["patient"]), await world.arrive(tokens["doctor"])
    await world.join(doctor)
    world.outbox.clear()
    world.media.refuses_with = UnavailableError(ErrorCode.MEDIA_UNAVAILABLE)
    with pytest.raises(UnavailableError):
        await world.join(patient)
    assert world.outbox.of(doctor) == []
    assert (await stored(world)).encounter is EncounterStatus.PLANNED


async def test_muting_is_seen_and_pictures_can_be_stopped(world: World) -> None:
    patient, doctor = await together(world)
    muted = MediaState(microphone=DeviceState.OFF, camera=DeviceState.ON)
    await world.rooms.consultations.set_media_state(patient, SetMediaState(id="s", media=muted))
    last = world.outbox.of(doctor)[-1]
    assert isinstance(last, ParticipantChanged)
    assert last.participant.media == muted
    hidden = (Tile(mid="3", size=TileSize.NONE),)
    await world.rooms.consultations.view_media(patient, ViewMedia(id="v", tiles=hidden))
    assert world.media.asked[-1] == ("view 3:none", PeerId(patient.participant))


async def test_one_person_shares_a_screen_and_the_practitioner_may_take_over(world: World) -> None:
    patient, doctor = await together(world)
    consultations = world.rooms.consultations
    await consultations.share_screen(doctor, ShareScreen(id="1"))
    await consultations.share_screen(doctor, ShareScreen(id="2"))
    for attempt in (
        consultations.share_screen(patient, ShareScreen(id="3")),
        consultations.stop_screen(patient, StopScreen(id="4")),
    ):
        with pytest.raises(ConflictError) as refused:
            await attempt
        assert refused.value.code is ErrorCode.SCREEN_IN_USE
    await consultations.stop_screen(doctor, StopScreen(id="5"))
    await consultations.share_screen(patient, ShareScreen(id="6"))
    await consultations.share_screen(doctor, ShareScreen(id="7"))
    assert world.media.screen == PeerId(doctor.participant)
    told = [event.screen for event in world.outbox.of(patient) if isinstance(event, RoomChanged)]
    assert told[-4:] == [doctor.participant, None, patient.participant, doctor.participant]


async def test_a_screen_is_shared_until_its_owner_leaves_and_after_coming_back(world: World) -> None:
    patient, doctor = await together(world)
    consultations = world.rooms.consultations
    await consultations.share_screen(patient, ShareScreen(id="1"))
    await consultations.disconnect(patient)
    back = replace(patient, connection=ConnectionId("back"))
    await consultations.connect(back)
    result = await consultations.join(back, a_join(resume="pc-1"))
    assert result.snapshot.screen == patient.participant
    world.outbox.clear()
    await consultations.leave(back, LEAVE)
    assert [event.screen for event in world.outbox.of(doctor) if isinstance(event, RoomChanged)] == [None]


async def test_who_joins_is_told_what_is_wanted_by_then(world: World) -> None:
    wanted = MediaWanted(connection="pc-1", camera=("h",), screen=False)
    world.media.wanted = wanted
    patient, doctor = await together(world)
    assert wanted in world.outbox.of(patient)
    changed = MediaWanted(connection="pc-1", camera=(), screen=True)
    for listener in world.media.listeners:
        listener.wanted_changed(RoomId(doctor.appointment), PeerId(doctor.participant), changed)
    assert world.outbox.of(doctor)[-1] == changed
    assert changed not in world.outbox.of(patient)


async def test_refund_and_cancellation_warn_staff_and_throw_nobody_out(world: World) -> None:
    patient, doctor = await together(world)
    world.outbox.clear()
    await world.send("payment.refunded", 2)
    await world.send("appointment.cancelled", 3)
    notices = [event.notice for event in world.outbox.of(doctor) if isinstance(event, RoomChanged)]
    assert notices == [RoomNotice.PAYMENT_REFUNDED, RoomNotice.CANCELLED]
    assert {event.notice for event in world.outbox.of(patient) if isinstance(event, RoomChanged)} == {None}
    await world.rooms.consultations.leave(patient, LEAVE)
    assert (await world.join(patient)).answer is not None


async def test_members_come_back_after_the_end_of_the_window(world: World) -> None:
    patient, _ = await together(world)
    world.clock.advance(END - START + timedelta(hours=1))
    await world.rooms.consultations.leave(patient, LEAVE)
    assert (await world.join(patient)).snapshot.started_at == START


async def test_media_of_a_join_that_can_t_be_stored_is_freed_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient, doctor = await together(world)
    tokens_of_mother = await world.send("appointment.updated", 2, **whole())
    token = next(one.url for one in tokens_of_mother.links if one.participant == "mother").removeprefix(LINK_BASE)
    mother = await world.arrive(token)

    async def disk_is_full(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(EncounterLog, "enter", disk_is_full)
    world.outbox.clear()
    with pytest.raises(OSError, match="disk full"):
        await world.join(mother)
    assert world.transport(mother) is None
    assert world.outbox.sent == []
    second_tab = replace(patient, connection=ConnectionId("second tab"))
    await world.rooms.consultations.connect(second_tab)
    with pytest.raises(OSError, match="disk full"):
        await world.join(second_tab)
    assert MediaLost() in world.outbox.of(patient), "its transport was replaced, and the new one freed"
    assert seen(world, doctor, patient) == []


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("lost", [False, True], ids=["slots changed", "worker lost"])
async def test_what_becomes_of_media_while_the_record_is_written_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, resumed: bool, lost: bool
) -> None:
    patient, _ = await together(world)
    consultations = world.rooms.consultations
    [known] = [name for peer, name in world.media.transports.items() if peer == PeerId(patient.participant)]
    if resumed:
        await consultations.disconnect(patient)
    else:
        await consultations.leave(patient, LEAVE)
    patient = replace(patient, connection=ConnectionId("new socket"))
    await consultations.connect(patient)
    enter = EncounterLog.enter
    shown = (SlotView(mid="2", participant="another"),)

    async def slowly(*arguments: Any, **options: Any) -> Any:
        if lost:
            world.media.transports.clear()
            world.media.listeners[0].worker_lost(frozenset({RoomId(patient.appointment)}))
        world.media.slots = shown
        return await enter(*arguments, **options)

    monkeypatch.setattr(EncounterLog, "enter", slowly)
    world.outbox.clear()
    await consultations.join(patient, a_join(resume=known) if resumed else a_join(an_offer()))
    expected = MediaLost() if lost else SlotsChanged(slots=shown, missing_slots=0)
    assert expected in world.outbox.of(patient)


async def test_a_seat_that_could_not_be_given_up_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await World.open(tmp_path, seat_kept_seconds=0.05)
    patient, doctor = await together(world)
    failed = asyncio.Event()

    async def disk_is_full(*_: object, **__: object) -> None:
        failed.set()
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(EncounterLog, "exit", disk_is_full)
        room, peer = RoomId(patient.appointment), PeerId(patient.participant)
        world.media.listeners[0].peer_state_changed(room, peer, ConnectionState.GONE)
        await world.rooms.consultations.disconnect(patient)
        await asyncio.wait_for(failed.wait(), PATIENCE)
        assert seen(world, doctor, patient)[-1] is ConnectionState.GONE
    await until(lambda: seen(world, doctor, patient)[-1] is ConnectionState.ABSENT)
    await world.close()


async def test_a_restarted_server_expects_people_back(tmp_path: Path) -> None:
    world = await World.open(tmp_path)
    tokens = await world.book()
    exchange = await world.rooms.sessions.exchange(tokens["patient"], None)
    assert exchange.participant is not None
    assert exchange.cookie_secret is not None
    patient = await world.connect(exchange.participant, exchange.cookie_secret)
    doctor = await world.arrive(tokens["doctor"])
    await world.join(doctor)
    await world.join(patient)
    await world.close()
    again = await World.open(tmp_path)
    again.media.transports = dict(world.media.transports)
    again.media.slots = (SlotView(mid="2", participant=doctor.participant),)
    back = await again.connect(exchange.participant, exchange.cookie_secret)
    result = await again.rooms.consultations.join(back, a_join(resume=f"pc-{patient.connection}"))
    assert result.media_resumed
    assert SlotsChanged(slots=again.media.slots) in again.outbox.of(back)
    assert result.snapshot.started_at == START
    states = {one.person.id: one.connection for one in result.snapshot.participants}
    assert states[doctor.participant] is ConnectionState.RECONNECTING
    assert (await again.rooms.sessions.exchange(tokens["doctor"], None)).participant == doctor.participant
    await again.close()


async def test_media_of_who_has_no_seat_does_not_outlive_a_restart(tmp_path: Path) -> None:
    """Such as of one who was removed just before the server was killed: they would go on listening."""
    world = await World.open(tmp_path)
    patient, doctor = await together(world)
    await world.close()
    media = RecordingMedia(transports=dict(world.media.transports), rooms=dict(world.media.rooms))
    removed = PeerId("par_removed")
    media.transports[removed], media.rooms[removed] = "pc-removed", RoomId(doctor.appointment)
    rooms = await open_rooms(tmp_path, media, world.outbox, world.clock)
    assert set(media.transports) == {PeerId(patient.participant), PeerId(doctor.participant)}
    await rooms.close()


async def test_an_empty_room_is_freed_and_may_be_entered_again(world: World) -> None:
    patient, doctor = await together(world)
    await world.rooms.consultations.leave(patient, LEAVE)
    await world.rooms.consultations.leave(doctor, LEAVE)
    assert (await stored(world)).emptied_at == START
    assert world.media.transports == {}
    await world.join(patient)
    assert (await stored(world)).emptied_at is None
