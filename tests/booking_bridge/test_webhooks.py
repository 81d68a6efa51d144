"""Webhooks with real signatures on a real file: genuine or refused, in any order, once, never half."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL

import booking_bridge.bridge as bridge_module
from booking_bridge.apply import change, create
from booking_bridge.events import AppointmentCreated
from booking_bridge.webhook import MAXIMUM_BODY_BYTES, parse_event
from contract.errors import ConflictError, ErrorCode, IdentityError, InputError, KonsiliumError, MissingError
from contract.ids import AppointmentId, ClinicId
from rooms.consultations import NotAdmitted
from rooms.encounter import EncounterLog
from rooms.messages import AdmissionChanged, VerdictCode
from rooms.model import Appointment, AppointmentStatus, CancellationReason, PaymentStatus
from rooms.policy import DEFAULT_POLICY, EXAMPLE_POLICIES
from tests.rooms.support import CLINIC, END, START
from tests.rooms.world import (
    API_KEY,
    LINK_BASE,
    PEOPLE,
    SECRET,
    World,
    a_clinic,
    an_event,
    everything_stored,
    signed,
    whole,
)

EVERY_DATABASE = True


async def stored(world: World) -> Appointment:
    async with world.rooms.store.read() as transaction:
        appointment = await transaction.appointments.find(CLINIC.id, "A-1")
    assert appointment is not None
    return appointment


async def test_a_created_appointment_is_answered_with_one_link_each(world: World, location: Path | URL) -> None:
    answer = await world.send("appointment.created", 1, **whole())
    assert answer.result == "applied"
    assert [link.participant for link in answer.links] == ["patient", "doctor", "mother"]
    tokens = {link.url.removeprefix(LINK_BASE) for link in answer.links}
    assert all(len(token) == 22 for token in tokens)
    assert len(tokens) == 3
    content = await everything_stored(location)
    assert answer.appointment in content
    assert not any(token in content for token in tokens)


async def test_a_repeat_gets_the_stored_answer_and_another_body_a_conflict(world: World) -> None:
    first = await world.send("appointment.created", 1, "msg_a", **whole())
    await world.send("payment.succeeded", 2)
    assert await world.send("appointment.created", 1, "msg_a", **whole()) == first
    with pytest.raises(ConflictError) as refused:
        await world.send("appointment.created", 3, "msg_a", **whole(title="Другой"))
    assert refused.value.code is ErrorCode.CONFLICT
    assert (await stored(world)).title == "Приём кардиолога"


async def test_a_repeat_never_hands_on_a_link_that_was_taken_back(world: World) -> None:
    first = await world.send("appointment.created", 1, "msg_a", **whole())
    new = await world.bridge.reissue_link(CLINIC.id, "A-1", "patient")
    repeat = await world.send("appointment.created", 1, "msg_a", **whole())
    assert repeat.links == tuple(new if one.participant == "patient" else one for one in first.links)
    assert (repeat.result, repeat.version) == (first.result, first.version)
    await world.bridge.revoke_link(CLINIC.id, "A-1", "patient")
    repeat = await world.send("appointment.created", 1, "msg_a", **whole())
    assert [link.participant for link in repeat.links] == ["doctor", "mother"]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda body: signed(body, "m", secret="whsec_b3RoZXI="), ErrorCode.SIGNATURE_INVALID),
        (lambda body: {}, ErrorCode.SIGNATURE_INVALID),
        (lambda body: {**signed(body, "m"), "webhook-signature": "v1"}, ErrorCode.SIGNATURE_INVALID),
        (lambda body: {**signed(body, "m"), "webhook-signature": "v1,~~~"}, ErrorCode.SIGNATURE_INVALID),
        (lambda body: {**signed(body, "m"), "webhook-id": "other"}, ErrorCode.SIGNATURE_INVALID),
        (lambda body: {**signed(body, "m"), "webhook-timestamp": "soon"}, ErrorCode.SIGNATURE_INVALID),
        (lambda body: signed(body, "m" * 201), ErrorCode.SIGNATURE_INVALID),
        (lambda body: signed(body, "m", age=timedelta(seconds=330)), ErrorCode.SIGNATURE_STALE),
        (lambda body: signed(body, "m", age=-timedelta(seconds=330)), ErrorCode.SIGNATURE_STALE),
    ],
)
async def test_what_is_not_genuine_is_refused_and_stores_nothing(
    world: World, spoil: Callable[[bytes], dict[str, str]], code: ErrorCode
) -> None:
    body = an_event("appointment.created", 1, **whole())
    with pytest.raises(IdentityError) as refused:
        await world.bridge.receive(spoil(body), body)
    assert refused.value.code is code
    async with world.rooms.store.read() as transaction:
        assert await transaction.appointments.of_clinic(CLINIC.id) == []


async def test_an_unknown_clinic_fails_exactly_like_a_bad_signature(world: World) -> None:
    errors = []
    for clinic, secret in (("nobody", SECRET), (CLINIC.id, "whsec_b3RoZXI=")):
        body = an_event("appointment.created", 1, clinic=clinic, **whole())
        with pytest.raises(IdentityError) as refused:
            await world.bridge.receive(signed(body, "m", secret=secret), body)
        errors.append((refused.value.code, refused.value.detail))
    assert errors[0] == errors[1]


async def test_a_clinic_can_not_touch_another_ones_appointment(world: World) -> None:
    await world.book()
    other = a_clinic(identifier=ClinicId("other"), secret="whsec_b3RoZXI=")
    await world.bridge.add_clinic(other)
    body = an_event("appointment.cancelled", 5, clinic="other")
    with pytest.raises(MissingError):
        await world.bridge.receive(signed(body, "m", secret="whsec_b3RoZXI="), body)
    assert (await stored(world)).status is AppointmentStatus.BOOKED


@pytest.mark.parametrize(
    "data",
    [
        {"surprise": 1},
        {"participants": []},
        {"participants": [PEOPLE[0], PEOPLE[0]]},
        {"ends_at": START.isoformat()},
        {"starts_at": "2026-05-04T12:00:00"},
        {"starts_at": "0001-01-01T00:00:00+14:00"},
        {"ends_at": "9999-12-31T23:59:59-14:00"},
        {"payment": {"expires_at": "9999-12-31T23:59:59-14:00"}},
        {"cabinet_url": "javascript:alert(1)"},
        {"cabinet_url": "https://clinic.example\n"},
        {"title": "x" * 301},
        {"title": "nobody\u202eydobemos"},
        {"subject": {"name": "Anna\x00"}},
        {"subject": {"name": "Anna\n"}},
    ],
)
async def test_a_signed_but_wrong_payload_is_refused(world: World, data: dict[str, object]) -> None:
    with pytest.raises(InputError) as refused:
        await world.send("appointment.created", 1, **whole(**data))
    assert refused.value.code is ErrorCode.PAYLOAD_INVALID


@given(st.binary(max_size=200))
def test_garbage_is_never_more_than_an_input_error(body: bytes) -> None:
    with pytest.raises(InputError):
        parse_event(body)


async def test_a_huge_body_is_refused_before_it_is_read(world: World) -> None:
    with pytest.raises(InputError) as refused:
        await world.bridge.receive({}, b"x" * (MAXIMUM_BODY_BYTES + 1))
    assert refused.value.code is ErrorCode.TOO_LARGE


async def test_an_event_that_overtook_the_creation_is_asked_for_again(world: World) -> None:
    with pytest.raises(MissingError):
        await world.send("payment.succeeded", 2, "msg_pay")
    await world.send("appointment.created", 1, **whole())
    assert (await world.send("payment.succeeded", 2, "msg_pay")).result == "applied"
    assert (await stored(world)).payment.status is PaymentStatus.SUCCEEDED


async def test_older_news_is_acknowledged_and_ignored(world: World) -> None:
    await world.book(paid=False)
    await world.send("payment.succeeded", 3)
    answer = await world.send("payment.pending", 2)
    assert answer.result == "ignored"
    assert answer.version == 3
    assert (await stored(world)).payment.status is PaymentStatus.SUCCEEDED


def test_partial_events_end_in_the_same_state_in_every_order() -> None:
    later = {"starts_at": (START + timedelta(days=1)).isoformat(), "ends_at": (END + timedelta(days=1)).isoformat()}
    bodies = [
        an_event("payment.pending", 2),
        an_event("appointment.rescheduled", 3, **later),
        an_event("payment.succeeded", 4),
        an_event("appointment.updated", 5, **whole(title="Новый", **later)),
    ]
    events = [parse_event(body) for body in bodies]
    created = parse_event(an_event("appointment.created", 1, **whole()))
    assert isinstance(created, AppointmentCreated)
    first = create(created, CLINIC.id, START - timedelta(days=1))
    ends = set()
    for order in itertools.permutations(events):
        appointment = first
        for event in order:
            appointment = change(appointment, event, DEFAULT_POLICY, START) or appointment
        ends.add((appointment.title, appointment.starts_at, appointment.status))
    assert ends == {("Новый", START + timedelta(days=1), AppointmentStatus.BOOKED)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["pending", "succeeded", "refunded", "lapsed"]), max_size=6))
def test_any_run_of_payment_events_leaves_a_sensible_appointment(kinds: list[str]) -> None:
    created = parse_event(an_event("appointment.created", 1, **whole()))
    assert isinstance(created, AppointmentCreated)
    appointment = create(created, CLINIC.id, START)
    for version, kind in enumerate(kinds, start=2):
        event = parse_event(an_event(f"payment.{kind}", version))
        appointment = change(appointment, event, DEFAULT_POLICY, START) or appointment
    lapsed = appointment.payment.status in {PaymentStatus.LAPSED, PaymentStatus.SUCCEEDED_AFTER_LAPSE}
    if lapsed:
        assert appointment.status is AppointmentStatus.CANCELLED
    since_money_went_back = kinds[len(kinds) - kinds[::-1].index("refunded") :] if "refunded" in kinds else kinds
    if "succeeded" in since_money_went_back:
        assert appointment.payment.status not in {PaymentStatus.REQUIRED, PaymentStatus.LAPSED}


async def test_links_stay_over_a_reschedule_and_the_verdict_tells_the_new_time(world: World) -> None:
    tokens = await world.book()
    patient = await world.arrive(tokens["patient"])
    start = START + timedelta(days=1)
    await world.send(
        "appointment.rescheduled", 2, starts_at=start.isoformat(), ends_at=(start + timedelta(minutes=30)).isoformat()
    )
    changed = world.outbox.of(patient)[-1]
    assert isinstance(changed, AdmissionChanged)
    assert changed.verdict.code is VerdictCode.TOO_EARLY
    assert changed.verdict.appointment is not None
    assert (changed.verdict.appointment.moved, changed.verdict.appointment.starts_at) == (True, start)
    assert (await world.rooms.sessions.exchange(tokens["patient"], None)).participant == patient.participant


async def test_payment_opens_the_door_with_the_webhooks_own_answer(world: World) -> None:
    tokens = await world.book(paid=False)
    patient, doctor = await world.arrive(tokens["patient"]), await world.arrive(tokens["doctor"])
    await world.join(doctor)
    await world.send("payment.succeeded", 2)
    assert [event.verdict.code for event in world.outbox.of(patient) if isinstance(event, AdmissionChanged)][-1] == (
        VerdictCode.ADMITTED
    )


async def test_money_after_the_lapse_is_kept_and_told(world: World) -> None:
    tokens = await world.book(paid=False)
    patient = await world.arrive(tokens["patient"])
    await world.send("payment.lapsed", 2)
    await world.send("payment.succeeded", 3)
    told = world.outbox.of(patient)[-1]
    assert isinstance(told, AdmissionChanged)
    assert (told.verdict.code, told.verdict.paid_after_lapse) == (VerdictCode.PAYMENT_LAPSED, True)
    await world.send("appointment.updated", 4, **whole(status="booked"))
    assert (await stored(world)).payment.status is PaymentStatus.SUCCEEDED
    assert (await stored(world)).status is AppointmentStatus.BOOKED


async def test_the_bridge_lapses_reservations_and_takes_late_news_of_money_given_in_time(tmp_path: Path) -> None:
    booked_at = START - timedelta(hours=1)
    world = await World.open(tmp_path, EXAMPLE_POLICIES["s2"], booked_at)
    tokens = await world.book(paid=False)
    patient = await world.arrive(tokens["patient"])
    world.clock.advance(timedelta(minutes=10))
    await world.bridge.lapse_overdue()
    assert (await stored(world)).cancellation is CancellationReason.PAYMENT_LAPSED
    told = world.outbox.of(patient)[-1]
    assert isinstance(told, AdmissionChanged)
    assert told.verdict.code is VerdictCode.PAYMENT_LAPSED
    in_time = (booked_at + timedelta(minutes=9)).isoformat()
    await world.send("payment.succeeded", 2, happened_at=in_time)
    assert (await stored(world)).status is AppointmentStatus.BOOKED
    await world.close()


async def test_nothing_is_stored_half(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*arguments: object) -> None:
        raise RuntimeError("the power is gone")

    monkeypatch.setattr(bridge_module, "sync_participants", fails)
    with pytest.raises(RuntimeError):
        await world.send("appointment.created", 1, "msg_a", **whole())
    async with world.rooms.store.read() as transaction:
        assert await transaction.appointments.of_clinic(CLINIC.id) == []
        assert await transaction.receipts.find(CLINIC.id, "msg_a") is None
    monkeypatch.undo()
    assert (await world.send("appointment.created", 1, "msg_a", **whole())).result == "applied"


async def test_who_is_left_out_is_no_longer_invited_and_may_be_invited_again(world: World) -> None:
    tokens = await world.book()
    mother = await world.arrive(tokens["mother"])
    await world.send("appointment.updated", 2, **whole(participants=PEOPLE[:2]))
    told = world.outbox.of(mother)[-1]
    assert isinstance(told, AdmissionChanged)
    assert told.verdict.code is VerdictCode.NOT_INVITED
    assert told.verdict.appointment is None
    assert told.verdict.clinic is not None
    answer = await world.send("appointment.updated", 3, **whole())
    assert {link.url.removeprefix(LINK_BASE) for link in answer.links} == set(tokens.values())


async def test_a_reissued_link_replaces_the_old_one(world: World) -> None:
    tokens = await world.book()
    assert await world.bridge.authenticate(API_KEY) == CLINIC.id
    with pytest.raises(IdentityError):
        await world.bridge.authenticate("guess")
    patient = await world.arrive(tokens["patient"])
    new = await world.bridge.reissue_link(CLINIC.id, "A-1", "patient")
    told = world.outbox.of(patient)[-1]
    assert isinstance(told, AdmissionChanged)
    assert told.verdict.code is VerdictCode.LINK_REVOKED
    old = await world.rooms.sessions.exchange(tokens["patient"], None)
    assert (old.verdict.code, old.participant, old.verdict.appointment) == (VerdictCode.LINK_REVOKED, None, None)
    fresh = await world.rooms.sessions.exchange(new.url.removeprefix(LINK_BASE), None)
    assert fresh.participant == patient.participant
    await world.bridge.revoke_link(CLINIC.id, "A-1", "patient")
    again = await world.rooms.sessions.exchange(new.url.removeprefix(LINK_BASE), None)
    assert again.verdict.code is VerdictCode.LINK_REVOKED
    with pytest.raises(MissingError):
        await world.bridge.reissue_link(ClinicId("other"), "A-1", "patient")


async def test_every_change_leaves_an_audit_row_without_names(world: World) -> None:
    await world.book()
    await world.send("appointment.cancelled", 2, reason="patient")
    async with world.rooms.store.read() as transaction:
        rows = await transaction.audit.of_appointment(AppointmentId((await stored(world)).id))
    assert [row.action for row in rows] == ["appointment.created", "appointment.cancelled"]
    assert "Анна" not in repr(rows)


async def test_a_clinic_with_an_impossible_zone_or_secret_is_refused(world: World) -> None:
    for wrong in ({"time_zone": "Mars/Olympus"}, {"webhook_secret": "whsec_"}):
        clinic = bridge_module.NewClinic(**{**_fields(), **wrong})  # type: ignore[arg-type]
        with pytest.raises(KonsiliumError):
            await world.bridge.add_clinic(clinic)


def _fields() -> dict[str, object]:
    clinic = a_clinic()
    return {name: getattr(clinic, name) for name in clinic.__struct_fields__}


def test_times_are_compared_in_utc() -> None:
    moscow = "2026-05-04T15:00:00+03:00"
    event = parse_event(an_event("appointment.created", 1, **whole(starts_at=moscow)))
    assert isinstance(event, AppointmentCreated)
    assert create(event, CLINIC.id, START).starts_at == datetime(2026, 5, 4, 12, tzinfo=UTC)


async def test_a_repeat_tells_people_what_the_first_could_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = await world.book(paid=False)
    patient = await world.arrive(tokens["patient"])

    async def database_is_away(_: object) -> None:
        raise OSError("database is away")

    with monkeypatch.context() as patched:
        patched.setattr(world.rooms.consultations, "appointment_changed", database_is_away)
        with pytest.raises(OSError, match="away"):
            await world.send("payment.succeeded", 2, webhook_id="msg_paid")
    assert world.outbox.of(patient) == []
    await world.send("payment.succeeded", 2, webhook_id="msg_paid")
    [told] = world.outbox.of(patient)
    assert isinstance(told, AdmissionChanged)
    assert told.verdict.code is VerdictCode.WAITING_FOR_PRACTITIONER


async def test_a_second_body_with_a_known_version_changes_nobody(world: World) -> None:
    await world.book(paid=False)
    await world.send("appointment.updated", 2, **whole())
    answer = await world.send("appointment.updated", 2, **whole(status="booked", participants=PEOPLE[:1]))
    assert [link.participant for link in answer.links] == ["patient", "doctor", "mother"]


async def test_only_the_patients_side_keeps_the_window_open_by_waiting(world: World) -> None:
    people = (*PEOPLE, {"id": "voice", "role": "interpreter", "name": "Голос"})
    tokens = await world.book(participants=people)
    with pytest.raises(NotAdmitted):
        await world.join(await world.arrive(tokens["voice"]))
    assert (await stored(world)).arrived_at is None
    with pytest.raises(NotAdmitted):
        await world.join(await world.arrive(tokens["mother"]))
    assert (await stored(world)).arrived_at == START


async def test_what_became_an_error_on_somebodys_way_in_stays_one(world: World) -> None:
    tokens = await world.book()
    doctor, patient = await world.arrive(tokens["doctor"]), await world.arrive(tokens["patient"])
    await world.join(doctor)
    await world.send("appointment.cancelled", 2, status="entered-in-error")
    await EncounterLog(world.rooms.store, world.clock).enter(patient, starts=True)
    assert (await stored(world)).status is AppointmentStatus.ENTERED_IN_ERROR
