"""Everybody outside the room: consent, payment, and verdicts told as they change."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contract.errors import (
    ConflictError,
)
from rooms.messages import (
    AcceptConsent,
    AdmissionChanged,
    CheckAdmission,
    PaymentReturned,
    VerdictCode,
)
from rooms.model import PaymentStatus
from rooms.policy import EXAMPLE_POLICIES
from tests.rooms.observation import stored, until, verdicts
from tests.rooms.support import CLINIC, START
from tests.rooms.world import PEOPLE, World, whole


async def test_consent_is_asked_for_once_and_stored(tmp_path: Path) -> None:
    world = await World.open(tmp_path, EXAMPLE_POLICIES["s2"])
    tokens = await world.book()
    patient = await world.arrive(tokens["patient"])
    view = await world.rooms.consultations.check_admission(patient, CheckAdmission(id="c"))
    assert (view.code, view.disclaimer) == (VerdictCode.CONSENT_REQUIRED, True)
    with pytest.raises(ConflictError):
        await world.rooms.consultations.accept_consent(patient, AcceptConsent(id="a", version="old"))
    accepted = AcceptConsent(id="a", version="2026-1")
    view = await world.rooms.consultations.accept_consent(patient, accepted)
    assert view.code is VerdictCode.WAITING_FOR_PRACTITIONER
    other_device = await world.arrive(tokens["patient"])
    view = await world.rooms.consultations.check_admission(other_device, CheckAdmission(id="c"))
    assert view.consent is not None
    assert view.consent.accepted
    await world.close()


RETURNED = PaymentReturned(id="p")


async def test_whoever_comes_back_from_paying_waits_for_the_bank_and_may_then_pay_again(tmp_path: Path) -> None:
    world = await World.open(tmp_path)
    tokens = await world.book(paid=False)
    patient, mother = await world.arrive(tokens["patient"]), await world.arrive(tokens["mother"])
    view = await world.rooms.consultations.payment_returned(patient, RETURNED)
    assert (view.code, view.wait_seconds) == (VerdictCode.PAYMENT_PENDING, 120)
    assert view.appointment is not None
    assert view.appointment.payment_url, "paying again stays possible"
    assert verdicts(world, mother) == [VerdictCode.PAYMENT_PENDING]
    world.clock.advance(timedelta(minutes=2))
    await world.rooms.consultations.clock_moved()
    assert verdicts(world, patient)[-1] is VerdictCode.PAYMENT_REQUIRED
    for page in (patient, mother):
        view = await world.rooms.consultations.payment_returned(page, RETURNED)
        assert view.code is VerdictCode.PAYMENT_REQUIRED, "said too often it would hide «pay again» for ever"
    async with world.rooms.store.read() as transaction:
        actions = [entry.action for entry in await transaction.audit.of_appointment(patient.appointment)]
    assert actions.count("payment.returned") == 1
    await world.close()
    again = await World.open(tmp_path, now=START + timedelta(minutes=9))
    back = await again.arrive(tokens["patient"])
    assert (await again.rooms.consultations.payment_returned(back, RETURNED)).code is VerdictCode.PAYMENT_REQUIRED
    again.clock.advance(timedelta(minutes=1))
    assert (await again.rooms.consultations.payment_returned(back, RETURNED)).code is VerdictCode.PAYMENT_PENDING
    await again.send("payment.succeeded", 2)
    assert verdicts(again, back)[-1] is VerdictCode.WAITING_FOR_PRACTITIONER
    await again.close()


@pytest.mark.parametrize("event", ["payment.lapsed", "payment.succeeded", "appointment.cancelled"])
async def test_a_return_from_paying_changes_nothing_where_nothing_is_owed(world: World, event: str) -> None:
    tokens = await world.book(paid=False)
    patient = await world.arrive(tokens["patient"])
    await world.send(event, 2)
    before = await stored(world)
    await world.rooms.consultations.payment_returned(patient, RETURNED)
    assert await stored(world) == before


async def test_people_who_could_not_be_told_are_told_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = await world.book(paid=False)
    patient = await world.arrive(tokens["patient"])

    async def database_is_away(_: object) -> None:
        raise OSError("database is away")

    with monkeypatch.context() as patched:
        patched.setattr(world.rooms.consultations.reception, "facts", database_is_away)
        with pytest.raises(OSError, match="away"):
            await world.rooms.consultations.clock_moved()
    async with world.rooms.store.write() as transaction:
        [unpaid] = await transaction.appointments.of_clinic(CLINIC.id)
        paid = replace(unpaid.payment, status=PaymentStatus.SUCCEEDED)
        await transaction.appointments.save(replace(unpaid, payment=paid))
    world.clock.advance(timedelta(seconds=1))
    await until(lambda: verdicts(world, patient) == [VerdictCode.WAITING_FOR_PRACTITIONER])


async def test_all_pages_of_one_person_in_the_lobby_are_told(world: World) -> None:
    tokens = await world.book(paid=False)
    pages = [await world.arrive(tokens["patient"]) for _ in range(2)]
    await world.send("payment.succeeded", 2)
    for page in pages:
        assert verdicts(world, page) == [VerdictCode.WAITING_FOR_PRACTITIONER]
    await world.send("appointment.updated", 3, **whole(participants=PEOPLE))
    assert [len(verdicts(world, page)) for page in pages] == [1, 1]


async def test_the_clock_opens_the_door_by_itself(tmp_path: Path) -> None:
    world = await World.open(tmp_path, now=START - timedelta(minutes=10, milliseconds=100))
    tokens = await world.book()
    doctor, patient = await world.arrive(tokens["doctor"]), await world.arrive(tokens["patient"])
    await world.join(doctor)
    assert verdicts(world, patient) == []
    world.clock.advance(timedelta(seconds=1))
    await until(lambda: verdicts(world, patient) == [VerdictCode.ADMITTED])
    world.clock.advance(timedelta(hours=2))
    await world.rooms.consultations.clock_moved()
    assert verdicts(world, patient)[-1] is VerdictCode.TOO_LATE
    await world.close()


async def test_a_newer_verdict_is_never_followed_by_an_older_one(world: World) -> None:
    tokens = await world.book(paid=False)
    doctor, patient = await world.arrive(tokens["doctor"]), await world.arrive(tokens["patient"])
    await world.join(doctor)
    told: list[VerdictCode] = []
    world.outbox.send = lambda connection, event: (  # type: ignore[method-assign]
        told.append(event.verdict.code)
        if connection == patient.connection and isinstance(event, AdmissionChanged)
        else None
    )

    async def ask() -> None:
        for _ in range(10):
            told.append((await world.rooms.consultations.check_admission(patient, CheckAdmission(id="c"))).code)

    await asyncio.gather(ask(), world.send("payment.succeeded", 2), ask())
    assert told == sorted(told, key=[VerdictCode.PAYMENT_REQUIRED, VerdictCode.ADMITTED].index)
    assert told[-1] is VerdictCode.ADMITTED
