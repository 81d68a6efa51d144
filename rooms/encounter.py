"""What a consultation leaves in storage: arrival, entry, start, exit, end; each with its audit row."""

from dataclasses import replace
from datetime import datetime

from contract.clock import Clock
from contract.errors import ErrorCode, MissingError
from contract.ids import AppointmentId, ParticipantId
from rooms.admission import CONSENT_ROLES
from rooms.model import (
    Appointment,
    AppointmentStatus,
    Consent,
    EncounterStatus,
    InvitationStatus,
    Participant,
)
from rooms.outbox import Caller
from rooms.payment import returned
from rooms.storage.records import AuditEntry
from rooms.storage.store import Store, Transaction


class EncounterLog:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def arrive(self, caller: Caller) -> None:
        """Somebody asked to come in and waits for the practitioner. Only the patient's side arrives: it is for them
        that the window then stays open."""
        if caller.role not in CONSENT_ROLES:
            return
        async with self._store.write() as transaction:
            appointment = await _appointment(transaction, caller.appointment)
            if appointment.arrived_at is not None:
                return
            booked = appointment.status in {AppointmentStatus.BOOKED, AppointmentStatus.PENDING}
            status = AppointmentStatus.ARRIVED if booked else appointment.status
            await transaction.appointments.save(replace(appointment, status=status, arrived_at=self._clock.now()))
            await self._audit(transaction, caller, "participant.waiting")

    async def consent(self, caller: Caller, version: str) -> None:
        async with self._store.write() as transaction:
            consent = Consent(caller.participant, version, caller.session, self._clock.now())
            if await transaction.consents.add(consent):
                await self._audit(transaction, caller, "consent.accepted", version)

    async def payment_returned(self, caller: Caller) -> bool:
        """Somebody came back from the payment page; whether that changed anything."""
        now = self._clock.now()
        async with self._store.write() as transaction:
            record = await transaction.clinics.get(caller.clinic)
            appointment = await _appointment(transaction, caller.appointment)
            changed = None if record is None else returned(appointment, record.policy, now)
            if changed is None:
                return False
            await transaction.appointments.save(changed)
            await self._audit(transaction, caller, "payment.returned")
            return True

    async def enter(self, caller: Caller, starts: bool) -> datetime | None:
        """A seat is being taken; `starts`: practitioner and patient are together now. Returns when it started."""
        now = self._clock.now()
        async with self._store.write() as transaction:
            person = await _participant(transaction, caller.participant)
            await transaction.participants.save(replace(person, joined_at=person.joined_at or now, seated=True))
            appointment = replace(await _appointment(transaction, caller.appointment), emptied_at=None)
            if starts and appointment.encounter is EncounterStatus.PLANNED:
                appointment = _started(appointment, now)
                await self._audit(transaction, caller, "consultation.started")
            await transaction.appointments.save(appointment)
            await self._audit(transaction, caller, "participant.joined")
            return appointment.started_at

    async def exit(self, appointment: AppointmentId, participant: ParticipantId, why: str, emptied: bool) -> None:
        """A seat was given up; `emptied`: it was the last one."""
        now = self._clock.now()
        async with self._store.write() as transaction:
            person = await _participant(transaction, participant)
            await transaction.participants.save(replace(person, seated=False))
            stored = await _appointment(transaction, appointment)
            if emptied and stored.encounter is EncounterStatus.IN_PROGRESS:
                await transaction.appointments.save(replace(stored, emptied_at=now))
            entry = AuditEntry(now, stored.clinic, appointment, "participant.left", participant, detail=why)
            await transaction.audit.add(entry)

    async def remove(self, caller: Caller, participant: ParticipantId) -> None:
        """The practitioner sends somebody out for good. Raises `MissingError` for one who is not invited here."""
        async with self._store.write() as transaction:
            person = await transaction.participants.get(participant)
            if person is None or person.appointment != caller.appointment:
                raise MissingError(ErrorCode.NOT_FOUND, "no such participant in this appointment")
            removed = replace(person, invitation=InvitationStatus.REMOVED, seated=False)
            await transaction.participants.save(removed)
            await self._audit(transaction, caller, "participant.removed", participant)

    async def finish(self, caller: Caller) -> None:
        now = self._clock.now()
        async with self._store.write() as transaction:
            appointment = await _appointment(transaction, caller.appointment)
            if appointment.encounter is EncounterStatus.FINISHED:
                return
            finished = replace(appointment, encounter=EncounterStatus.FINISHED, finished_at=now)
            await transaction.appointments.save(finished)
            for person in await transaction.participants.of_appointment(caller.appointment):
                if person.seated:
                    await transaction.participants.save(replace(person, seated=False))
            await self._audit(transaction, caller, "consultation.ended")

    async def _audit(self, transaction: Transaction, caller: Caller, action: str, detail: str = "") -> None:
        entry = AuditEntry(
            self._clock.now(),
            caller.clinic,
            caller.appointment,
            action,
            caller.participant,
            caller.session,
            detail,
        )
        await transaction.audit.add(entry)


def _started(appointment: Appointment, now: datetime) -> Appointment:
    # What was cancelled, or called an error, while somebody was on the way in, stays so.
    expected = {AppointmentStatus.PENDING, AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED}
    status = AppointmentStatus.FULFILLED if appointment.status in expected else appointment.status
    return replace(appointment, status=status, encounter=EncounterStatus.IN_PROGRESS, started_at=now)


async def _appointment(transaction: Transaction, appointment: AppointmentId) -> Appointment:
    stored = await transaction.appointments.get(appointment)
    if stored is None:
        raise MissingError(ErrorCode.NOT_FOUND, "no such appointment")
    return stored


async def _participant(transaction: Transaction, participant: ParticipantId) -> Participant:
    stored = await transaction.participants.get(participant)
    if stored is None:
        raise MissingError(ErrorCode.NOT_FOUND, "no such participant")
    return stored
