"""What an event changes. Pure: from the appointment as it is to the appointment as it becomes.

Each part of an appointment keeps the newest version applied to it; an event that is older for all parts it speaks
about changes nothing (None). So events may arrive in any order.
"""

from dataclasses import replace
from datetime import UTC, datetime

from booking_bridge.events import (
    AppointmentCancelled,
    AppointmentCreated,
    AppointmentData,
    AppointmentRescheduled,
    AppointmentUpdated,
    BookingEvent,
    CancelledBy,
    CancelledStatus,
    RescheduledData,
)
from booking_bridge.money import pay, settle, with_terms
from contract.ids import AppointmentId, ClinicId, new_id
from rooms.model import (
    Appointment,
    AppointmentStatus,
    CancellationReason,
    ClinicUrls,
    Payment,
    PaymentStatus,
    Subject,
    Versions,
)
from rooms.policy import Policy

_UNPAID = frozenset({PaymentStatus.REQUIRED, PaymentStatus.PENDING})
_LAPSED = frozenset({PaymentStatus.LAPSED, PaymentStatus.SUCCEEDED_AFTER_LAPSE})
_EARLY = frozenset({AppointmentStatus.PENDING, AppointmentStatus.BOOKED})
_OVER = frozenset({AppointmentStatus.CANCELLED, AppointmentStatus.NOSHOW, AppointmentStatus.ENTERED_IN_ERROR})
_CANCELLED_AS = {
    CancelledStatus.CANCELLED: AppointmentStatus.CANCELLED,
    CancelledStatus.NOSHOW: AppointmentStatus.NOSHOW,
    CancelledStatus.ENTERED_IN_ERROR: AppointmentStatus.ENTERED_IN_ERROR,
}


def create(event: AppointmentCreated | AppointmentUpdated, clinic: ClinicId, now: datetime) -> Appointment:
    """A new appointment. An update that overtook its creation creates as well: it carries everything."""
    data = event.data
    starts_at = data.starts_at.astimezone(UTC)
    # Unless it says so, it knows nothing of the money or of a cancellation: news of those may be older and yet unheard.
    appointment = Appointment(
        id=AppointmentId(new_id("apt")),
        clinic=clinic,
        reference=data.appointment,
        title=data.title,
        subject=Subject(data.subject.id, data.subject.name),
        starts_at=starts_at,
        ends_at=data.ends_at.astimezone(UTC),
        first_starts_at=starts_at,
        created_at=now,
        status=AppointmentStatus.PENDING,
        payment=with_terms(Payment(PaymentStatus.REQUIRED), Versions(), data),
        versions=Versions(details=data.version, schedule=data.version),
        urls=ClinicUrls(data.cabinet_url, data.manage_url, data.record_url),
    )
    return _book(settle(appointment, data), data)


def change(appointment: Appointment, event: BookingEvent, policy: Policy, now: datetime) -> Appointment | None:
    """The appointment after the event; None when everything it says is older than what is known."""
    if isinstance(event, AppointmentCreated) and event.data.version < appointment.versions.schedule:
        # A move overtook it: only this event knows where the appointment was first.
        first = event.data.starts_at.astimezone(UTC)
        moved = replace(appointment, first_starts_at=first)
        return _update(moved, event.data) or (moved if moved != appointment else None)
    if isinstance(event, AppointmentCreated | AppointmentUpdated):
        return _update(appointment, event.data)
    if isinstance(event, AppointmentRescheduled):
        if event.data.version <= appointment.versions.schedule:
            return None
        return _reschedule(appointment, event.data)
    if isinstance(event, AppointmentCancelled):
        if event.data.version <= appointment.versions.status:
            return None
        reason = CancellationReason.PATIENT if event.data.reason is CancelledBy.PATIENT else CancellationReason.CLINIC
        return replace(
            appointment,
            status=_CANCELLED_AS[event.data.status],
            cancellation=reason if event.data.status is CancelledStatus.CANCELLED else None,
            versions=replace(appointment.versions, status=event.data.version),
        )
    return pay(appointment, event, policy, now)


def _update(appointment: Appointment, data: AppointmentData) -> Appointment | None:
    known, changed = appointment.versions, appointment
    if data.version > known.details:
        changed = replace(
            changed,
            title=data.title,
            subject=Subject(data.subject.id, data.subject.name),
            urls=ClinicUrls(data.cabinet_url, data.manage_url, data.record_url),
            payment=with_terms(changed.payment, known, data),
            versions=replace(changed.versions, details=data.version),
        )
    if data.version > known.schedule:
        changed = _reschedule(changed, data)
    changed = _book(settle(changed, data), data)
    return None if changed == appointment else changed


def _book(appointment: Appointment, data: AppointmentData) -> Appointment:
    """The status follows the payment; one that was cancelled comes back only when a status is given.

    Without a status nothing is said of it: a cancellation that this event overtook still counts.
    """
    revived = False
    if data.status is not None and data.version > appointment.versions.status:
        appointment = replace(appointment, versions=replace(appointment.versions, status=data.version))
        revived = appointment.status in _OVER
    # A lapse is over as soon as nothing is owed: it follows the payment too.
    follows = appointment.status in _EARLY or appointment.cancellation is CancellationReason.PAYMENT_LAPSED
    if not revived and not follows:
        return appointment
    if appointment.payment.status in _LAPSED:
        lapsed = CancellationReason.PAYMENT_LAPSED
        return replace(appointment, status=AppointmentStatus.CANCELLED, cancellation=lapsed)
    status = AppointmentStatus.PENDING if appointment.payment.status in _UNPAID else AppointmentStatus.BOOKED
    return replace(appointment, status=status, cancellation=None)


def _reschedule(appointment: Appointment, data: AppointmentData | RescheduledData) -> Appointment:
    """Another time makes an earlier arrival meaningless."""
    versions = replace(appointment.versions, schedule=data.version)
    starts_at, ends_at = data.starts_at.astimezone(UTC), data.ends_at.astimezone(UTC)
    if starts_at == appointment.starts_at:
        return replace(appointment, ends_at=ends_at, versions=versions)
    arrived = appointment.status is AppointmentStatus.ARRIVED
    return replace(
        appointment,
        starts_at=starts_at,
        ends_at=ends_at,
        arrived_at=None,
        status=AppointmentStatus.BOOKED if arrived else appointment.status,
        versions=versions,
    )
