"""Appointments."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.ids import AppointmentId, ClinicId
from rooms.model import (
    Appointment,
    AppointmentStatus,
    CancellationReason,
    ClinicUrls,
    EncounterStatus,
    Payment,
    PaymentStatus,
    Subject,
    Versions,
)
from rooms.storage.tables import appointments


class AppointmentTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, appointment: AppointmentId) -> Appointment | None:
        query = select(appointments).where(appointments.c.id == appointment)
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else _from_row(row)

    async def find(self, clinic: ClinicId, reference: str) -> Appointment | None:
        """By the booking system's own identifier."""
        query = select(appointments).where(appointments.c.clinic == clinic, appointments.c.reference == reference)
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else _from_row(row)

    async def of_clinic(self, clinic: ClinicId) -> list[Appointment]:
        query = select(appointments).where(appointments.c.clinic == clinic).order_by(appointments.c.starts_at)
        return [_from_row(row) for row in await self._connection.execute(query)]

    async def in_progress(self) -> list[Appointment]:
        query = select(appointments).where(appointments.c.encounter == EncounterStatus.IN_PROGRESS.value)
        return [_from_row(row) for row in await self._connection.execute(query)]

    async def unpaid(self, clinic: ClinicId, created_before: datetime) -> list[Appointment]:
        """Those whose reservation might have lapsed."""
        waiting = (PaymentStatus.REQUIRED.value, PaymentStatus.PENDING.value)
        query = select(appointments).where(
            appointments.c.clinic == clinic,
            appointments.c.payment_status.in_(waiting),
            appointments.c.status == AppointmentStatus.PENDING.value,
            appointments.c.created_at <= created_before,
        )
        return [_from_row(row) for row in await self._connection.execute(query)]

    async def add(self, appointment: Appointment) -> None:
        await self._connection.execute(insert(appointments).values(**_to_row(appointment)))

    async def save(self, appointment: Appointment) -> None:
        query = update(appointments).where(appointments.c.id == appointment.id).values(**_to_row(appointment))
        await self._connection.execute(query)


def _to_row(appointment: Appointment) -> dict[str, Any]:
    payment, urls, versions = appointment.payment, appointment.urls, appointment.versions
    return {
        "id": appointment.id,
        "clinic": appointment.clinic,
        "reference": appointment.reference,
        "title": appointment.title,
        "subject_reference": appointment.subject.reference,
        "subject_name": appointment.subject.name,
        "starts_at": appointment.starts_at,
        "ends_at": appointment.ends_at,
        "first_starts_at": appointment.first_starts_at,
        "created_at": appointment.created_at,
        "status": appointment.status.value,
        "cancellation": None if appointment.cancellation is None else appointment.cancellation.value,
        "payment_status": payment.status.value,
        "payment_price": payment.price,
        "payment_url": payment.url,
        "payment_expires_at": payment.expires_at,
        "payment_pending_since": payment.pending_since,
        "payment_returned_at": payment.returned_at,
        "cabinet_url": urls.cabinet,
        "manage_url": urls.manage,
        "record_url": urls.record,
        "details_version": versions.details,
        "schedule_version": versions.schedule,
        "status_version": versions.status,
        "payment_version": versions.payment,
        "paid_version": versions.paid,
        "refund_version": versions.refund,
        "encounter": appointment.encounter.value,
        "arrived_at": appointment.arrived_at,
        "started_at": appointment.started_at,
        "finished_at": appointment.finished_at,
        "emptied_at": appointment.emptied_at,
    }


def _from_row(row: Row[Any]) -> Appointment:
    return Appointment(
        id=AppointmentId(row.id),
        clinic=ClinicId(row.clinic),
        reference=row.reference,
        title=row.title,
        subject=Subject(row.subject_reference, row.subject_name),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        first_starts_at=row.first_starts_at,
        created_at=row.created_at,
        status=AppointmentStatus(row.status),
        cancellation=None if row.cancellation is None else CancellationReason(row.cancellation),
        payment=Payment(
            status=PaymentStatus(row.payment_status),
            price=row.payment_price,
            url=row.payment_url,
            expires_at=row.payment_expires_at,
            pending_since=row.payment_pending_since,
            returned_at=row.payment_returned_at,
        ),
        urls=ClinicUrls(row.cabinet_url, row.manage_url, row.record_url),
        versions=Versions(
            details=row.details_version,
            schedule=row.schedule_version,
            status=row.status_version,
            payment=row.payment_version,
            paid=row.paid_version,
            refund=row.refund_version,
        ),
        encounter=EncounterStatus(row.encounter),
        arrived_at=row.arrived_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        emptied_at=row.emptied_at,
    )
