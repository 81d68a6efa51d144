"""Ends unpaid reservations on time, for booking systems that can't.

Admission goes by the clock anyway (`rooms.payment.payment_by_clock`); this only makes the lapse durable.
"""

from booking_bridge.money import lapse
from contract.clock import Clock
from contract.ids import AppointmentId
from rooms.model import PaymentStatus
from rooms.payment import payment_by_clock
from rooms.policy import LapseOwner
from rooms.storage.records import AuditEntry
from rooms.storage.store import Store


async def lapse_overdue(store: Store, clock: Clock) -> list[AppointmentId]:
    """Stores every lapse that is due; returns the appointments that changed."""
    now = clock.now()
    async with store.read() as transaction:
        clinics = [one for one in await transaction.clinics.all() if one.policy.lapse_owner is LapseOwner.BRIDGE]
        due = [
            appointment.id
            for record in clinics
            for appointment in await transaction.appointments.unpaid(record.clinic.id, created_before=now)
            if payment_by_clock(appointment, record.policy, now) is PaymentStatus.LAPSED
        ]
    changed: list[AppointmentId] = []
    policies = {record.clinic.id: record.policy for record in clinics}
    for appointment_id in due:
        async with store.write() as transaction:
            appointment = await transaction.appointments.get(appointment_id)
            # It may have been paid since it was looked up.
            if appointment is None or appointment.payment.status is PaymentStatus.LAPSED:
                continue
            if payment_by_clock(appointment, policies[appointment.clinic], now) is not PaymentStatus.LAPSED:
                continue
            await transaction.appointments.save(lapse(appointment))
            entry = AuditEntry(now, appointment.clinic, appointment.id, "payment.lapsed", detail="by the clock")
            await transaction.audit.add(entry)
            changed.append(appointment_id)
    return changed
