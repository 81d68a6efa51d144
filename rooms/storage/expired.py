"""What is old enough to be deleted, found and taken away a piece at a time."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.ids import AppointmentId, ClinicId
from rooms.storage.tables import (
    appointments,
    audit,
    consents,
    device_sessions,
    links,
    participants,
    webhook_receipts,
)


class ExpiredRows:
    """Each method removes at most `most` of the thing it names, and says how many."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def remove_appointments(self, clinic: ClinicId, ended_before: datetime, most: int) -> int:
        """Whole appointments: people, links, devices, consents, and by cascade the evidence. The audit trail stays."""
        query = select(appointments.c.id).where(appointments.c.clinic == clinic, appointments.c.ends_at < ended_before)
        rows = await self._connection.execute(query.order_by(appointments.c.ends_at).limit(most))
        old = [AppointmentId(row.id) for row in rows]
        people = select(participants.c.id).where(participants.c.appointment.in_(old))
        for table in (consents, device_sessions, links):
            await self._connection.execute(delete(table).where(table.c.participant.in_(people)))
        await self._connection.execute(delete(participants).where(participants.c.appointment.in_(old)))
        await self._connection.execute(delete(appointments).where(appointments.c.id.in_(old)))
        return len(old)

    async def remove_audit(self, clinic: ClinicId, before: datetime, most: int) -> int:
        query = select(audit.c.id).where(audit.c.clinic == clinic, audit.c.at < before).order_by(audit.c.at)
        old = [row.id for row in await self._connection.execute(query.limit(most))]
        await self._connection.execute(delete(audit).where(audit.c.id.in_(old)))
        return len(old)

    async def remove_sessions(self, now: datetime, most: int) -> int:
        """Devices whose cookie is of no use any more, of every clinic."""
        query = select(device_sessions.c.id).where(device_sessions.c.expires_at <= now).limit(most)
        old = [row.id for row in await self._connection.execute(query)]
        await self._connection.execute(delete(device_sessions).where(device_sessions.c.id.in_(old)))
        return len(old)

    async def remove_receipts(self, clinic: ClinicId, before: datetime, most: int) -> int:
        mine = webhook_receipts.c.clinic == clinic
        query = select(webhook_receipts.c.webhook_id).where(mine, webhook_receipts.c.received_at < before).limit(most)
        old = [row.webhook_id for row in await self._connection.execute(query)]
        await self._connection.execute(delete(webhook_receipts).where(mine, webhook_receipts.c.webhook_id.in_(old)))
        return len(old)
