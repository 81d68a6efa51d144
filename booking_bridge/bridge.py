"""The facade of the bridge: what HTTP handlers call."""

import asyncio
import hashlib
from collections.abc import Mapping

import msgspec
import structlog

from booking_bridge.answers import (
    IssuedLink,
    NewClinic,
    StoredAnswer,
    WebhookAnswer,
    WebhookResult,
)
from booking_bridge.apply import change, create
from booking_bridge.clinics import set_up_clinic
from booking_bridge.events import AppointmentCreated, AppointmentUpdated, BookingEvent, is_name
from booking_bridge.lapse import lapse_overdue
from booking_bridge.people import sync_participants
from booking_bridge.quality import ConsultationQuality, quality_of
from booking_bridge.webhook import named_clinic, parse_event, verify
from contract.errors import ConflictError, ErrorCode, IdentityError, MissingError
from contract.ids import AppointmentId, ClinicId
from rooms.assembly import Rooms
from rooms.links import issue_link
from rooms.model import Appointment, InvitationStatus, Link, Participant
from rooms.storage.records import AuditEntry, Receipt
from rooms.storage.store import Transaction

__all__ = ["Bridge", "IssuedLink", "NewClinic", "WebhookAnswer", "WebhookResult"]

LAPSE_PERIOD_SECONDS = 30.0
_log = structlog.get_logger()


class Bridge:
    """Call `start` once to let unpaid reservations lapse in storage too, and `close` at the end."""

    def __init__(self, rooms: Rooms, link_base: str) -> None:
        """`link_base`: where links point, such as `https://clinic.example/j/`; the token is appended."""
        self._rooms = rooms
        self._link_base = link_base
        self._lapsing: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._lapsing = asyncio.create_task(self._lapse_forever(), name="lapse of unpaid reservations")

    async def close(self) -> None:
        if self._lapsing is not None:
            self._lapsing.cancel()
            await asyncio.gather(self._lapsing, return_exceptions=True)

    # Webhooks

    async def receive(self, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Takes one webhook in: everything it says is stored in one transaction, then the waiting are told.

        Raises `IdentityError` SIGNATURE_INVALID or SIGNATURE_STALE, `InputError` PAYLOAD_INVALID or TOO_LARGE,
        `ConflictError` CONFLICT (same id, other body), `MissingError` NOT_FOUND (not known yet: send again).
        """
        clinic = ClinicId(named_clinic(body))
        async with self._rooms.store.read() as transaction:
            record = await transaction.clinics.get(clinic)
        webhook_id = verify(headers, body, None if record is None else record.webhook_secret)
        event = parse_event(body)
        digest = hashlib.sha256(body).hexdigest()
        now = self._rooms.clock.now()
        async with self._rooms.store.write() as transaction:
            receipt = await transaction.receipts.find(clinic, webhook_id)
            if receipt is not None:
                if receipt.digest != digest:
                    raise ConflictError(ErrorCode.CONFLICT, "this webhook-id came before with another body")
                stored = msgspec.json.decode(receipt.answer, type=StoredAnswer)
            else:
                stored = await self._apply(transaction, clinic, event)
                answer = msgspec.json.encode(stored).decode()
                await transaction.receipts.add(Receipt(clinic, webhook_id, digest, answer, now))
            links = await self._links(transaction, stored.appointment)
        # A repeat too: the first time it may have been stored and then something failed before people were told.
        if stored.result is WebhookResult.APPLIED:
            await self._rooms.consultations.appointment_changed(stored.appointment)
        return WebhookAnswer(result=stored.result, appointment=stored.appointment, version=stored.version, links=links)

    async def _apply(self, transaction: Transaction, clinic: ClinicId, event: BookingEvent) -> StoredAnswer:
        now = self._rooms.clock.now()
        record = await transaction.clinics.get(clinic)
        before = await transaction.appointments.find(clinic, event.data.appointment)
        whole = isinstance(event, AppointmentCreated | AppointmentUpdated)
        if record is None or (before is None and not whole):
            raise MissingError(ErrorCode.NOT_FOUND, "the appointment is not known yet; send the event again later")
        if before is None and isinstance(event, AppointmentCreated | AppointmentUpdated):
            after: Appointment | None = create(event, clinic, now)
        else:
            after = None if before is None else change(before, event, record.policy, now)
        if after is None:
            return self._stored(WebhookResult.IGNORED, before)
        if before is None:
            await transaction.appointments.add(after)
        else:
            await transaction.appointments.save(after)
        newest = before is None or event.data.version > before.versions.details
        if isinstance(event, AppointmentCreated | AppointmentUpdated) and newest:
            await sync_participants(transaction, self._rooms.link_key, after.id, event.data, now)
        kind = str(event.__struct_config__.tag)
        detail = f"version {event.data.version}"
        await transaction.audit.add(AuditEntry(now, clinic, after.id, kind, detail=detail))
        return self._stored(WebhookResult.APPLIED, after)

    @staticmethod
    def _stored(result: WebhookResult, appointment: Appointment | None) -> StoredAnswer:
        if appointment is None:
            raise MissingError(ErrorCode.NOT_FOUND, "the appointment is not known")
        return StoredAnswer(result=result, appointment=appointment.id, version=appointment.versions.newest)

    async def _links(self, transaction: Transaction, appointment: AppointmentId) -> tuple[IssuedLink, ...]:
        """The links that work now; a repeat must not hand on one that was revoked since the first answer."""
        people = {
            person.id: person
            for person in await transaction.participants.of_appointment(appointment)
            if person.invitation is InvitationStatus.INVITED
        }
        return tuple(
            self._issued(people[link.participant], link)
            for link in await transaction.links.of_appointment(appointment)
            if not link.revoked and link.participant in people
        )

    def _issued(self, person: Participant, link: Link) -> IssuedLink:
        url = self._link_base + self._rooms.link_key.token(link)
        return IssuedLink(participant=person.reference, role=person.role, url=url)

    # The API of clinics

    async def authenticate(self, api_key: str) -> ClinicId:
        """Whose API key this is. Raises `IdentityError(SESSION_REQUIRED)`."""
        async with self._rooms.store.read() as transaction:
            record = await transaction.clinics.find_by_api_key(api_key)
        if record is None:
            raise IdentityError(ErrorCode.SESSION_REQUIRED, "unknown API key")
        return record.clinic.id

    async def reissue_link(self, clinic: ClinicId, appointment: str, participant: str) -> IssuedLink:
        """Makes the old link useless and gives a new one. Raises `MissingError`. Names are the booking system's."""
        async with self._rooms.store.write() as transaction:
            person = await self._find(transaction, clinic, appointment, participant)
            link = await issue_link(transaction, self._rooms.link_key, person.id, self._rooms.clock.now())
            await self._audit(transaction, clinic, person, "link.reissued")
        await self._rooms.consultations.appointment_changed(person.appointment)
        return self._issued(person, link)

    async def revoke_link(self, clinic: ClinicId, appointment: str, participant: str) -> None:
        """Makes the link useless. Raises `MissingError`."""
        async with self._rooms.store.write() as transaction:
            person = await self._find(transaction, clinic, appointment, participant)
            await transaction.links.revoke_all(person.id, self._rooms.clock.now())
            await self._audit(transaction, clinic, person, "link.revoked")
        await self._rooms.consultations.appointment_changed(person.appointment)

    async def quality(self, clinic: ClinicId, appointment: str) -> ConsultationQuality:
        """What the server saw of a consultation so far. Raises `MissingError`. The name is the booking system's."""
        async with self._rooms.store.read() as transaction:
            found = await transaction.appointments.find(clinic, appointment) if is_name(appointment) else None
        if found is None:
            raise MissingError(ErrorCode.NOT_FOUND, "no such appointment in this clinic")
        await self._rooms.consultations.quality.flush(found.id)
        async with self._rooms.store.write() as transaction:
            entry = AuditEntry(self._rooms.clock.now(), clinic, found.id, "quality.read")
            await transaction.audit.add(entry)
            people = await transaction.participants.of_appointment(found.id)
            return quality_of(found, people, await transaction.quality.get(found.id))

    async def add_clinic(self, clinic: NewClinic) -> None:
        """Sets a clinic up, or brings an existing one up to date. Raises `InputError(PAYLOAD_INVALID)`."""
        await set_up_clinic(self._rooms.store, clinic, self._rooms.clock)

    async def _find(
        self, transaction: Transaction, clinic: ClinicId, appointment: str, participant: str
    ) -> Participant:
        # Not every text can be stored, so not every text can be looked up.
        named = is_name(appointment) and is_name(participant)
        found = await transaction.appointments.find(clinic, appointment) if named else None
        people = () if found is None else await transaction.participants.of_appointment(found.id)
        for person in people:
            if person.reference == participant:
                return person
        raise MissingError(ErrorCode.NOT_FOUND, "no such participant in this clinic's appointments")

    async def _audit(self, transaction: Transaction, clinic: ClinicId, person: Participant, action: str) -> None:
        entry = AuditEntry(self._rooms.clock.now(), clinic, person.appointment, action, person.id)
        await transaction.audit.add(entry)

    # Time

    async def lapse_overdue(self) -> None:
        """Stores the lapses that are due and tells those who wait."""
        for appointment in await lapse_overdue(self._rooms.store, self._rooms.clock):
            await self._rooms.consultations.appointment_changed(appointment)

    async def _lapse_forever(self) -> None:
        while True:
            try:
                await self.lapse_overdue()
            except Exception as error:
                _log.error("lapse_failed", error=type(error).__name__)
            await asyncio.sleep(LAPSE_PERIOD_SECONDS)
