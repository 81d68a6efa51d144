"""What happened: webhooks taken in, and the audit trail."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.ids import AppointmentId, ClinicId, ParticipantId, SessionId
from rooms.storage.tables import audit, webhook_receipts


@dataclass(frozen=True, slots=True)
class Receipt:
    """A webhook that was taken in, and the answer it got. Answers hold no secrets."""

    clinic: ClinicId
    webhook_id: str
    digest: str
    answer: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what. Holds identifiers only, never names."""

    at: datetime
    clinic: ClinicId
    appointment: AppointmentId | None
    """None: about the clinic as a whole."""
    action: str
    participant: ParticipantId | None = None
    session: SessionId | None = None
    detail: str = ""


class ReceiptTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, clinic: ClinicId, webhook_id: str) -> Receipt | None:
        query = select(webhook_receipts).where(
            webhook_receipts.c.clinic == clinic, webhook_receipts.c.webhook_id == webhook_id
        )
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        return Receipt(clinic, row.webhook_id, row.digest, row.answer, row.received_at)

    async def add(self, receipt: Receipt) -> None:
        values = {
            "clinic": receipt.clinic,
            "webhook_id": receipt.webhook_id,
            "digest": receipt.digest,
            "answer": receipt.answer,
            "received_at": receipt.received_at,
        }
        await self._connection.execute(insert(webhook_receipts).values(**values))


class AuditTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, entry: AuditEntry) -> None:
        values = {
            "at": entry.at,
            "clinic": entry.clinic,
            "appointment": entry.appointment,
            "participant": entry.participant,
            "session": entry.session,
            "action": entry.action,
            "detail": entry.detail,
        }
        await self._connection.execute(insert(audit).values(**values))

    async def of_appointment(self, appointment: AppointmentId) -> list[AuditEntry]:
        return await self._entries(audit.c.appointment == appointment)

    async def of_clinic(self, clinic: ClinicId) -> list[AuditEntry]:
        """Of all its appointments, and of the clinic as a whole."""
        return await self._entries(audit.c.clinic == clinic)

    async def _entries(self, which: ColumnElement[bool]) -> list[AuditEntry]:
        return [
            AuditEntry(
                at=row.at,
                clinic=ClinicId(row.clinic),
                appointment=None if row.appointment is None else AppointmentId(row.appointment),
                action=row.action,
                participant=None if row.participant is None else ParticipantId(row.participant),
                session=None if row.session is None else SessionId(row.session),
                detail=row.detail,
            )
            for row in await self._connection.execute(select(audit).where(which).order_by(audit.c.id))
        ]
