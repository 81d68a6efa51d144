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
    BookingStatus,
    CancelledBy,
    CancelledStatus,
    PaymentEventData,
    PaymentLapsed,
    PaymentPending,
    PaymentRefunded,
    PaymentSucceeded,
    RescheduledData,
)
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
from rooms.payment import can_become, lapses_at, payment_by_clock
from rooms.policy import Policy

_PAID_ENOUGH = frozenset({PaymentStatus.NOT_NEEDED, PaymentStatus.SUCCEEDED})
_OUTCOMES = {
    PaymentPending: PaymentStatus.PENDING,
    PaymentSucceeded: PaymentStatus.SUCCEEDED,
    PaymentRefunded: PaymentStatus.REFUNDED,
    PaymentLapsed: PaymentStatus.LAPSED,
}
_CANCELLED_AS = {
    CancelledStatus.CANCELLED: AppointmentStatus.CANCELLED,
    CancelledStatus.NOSHOW: AppointmentStatus.NOSHOW,
    CancelledStatus.ENTERED_IN_ERROR: AppointmentStatus.ENTERED_IN_ERROR,
}


def create(event: AppointmentCreated | AppointmentUpdated, clinic: ClinicId, now: datetime) -> Appointment:
    """A new appointment. An update that overtook its creation creates as well: it carries everything."""
    data = event.data
    booked = data.status is BookingStatus.BOOKED
    unpaid = PaymentStatus.SUCCEEDED if booked else PaymentStatus.REQUIRED
    payment = PaymentStatus.NOT_NEEDED if not data.payment.required else unpaid
    starts_at = data.starts_at.astimezone(UTC)
    return Appointment(
        id=AppointmentId(new_id("apt")),
        clinic=clinic,
        reference=data.appointment,
        title=data.title,
        subject=Subject(data.subject.id, data.subject.name),
        starts_at=starts_at,
        ends_at=data.ends_at.astimezone(UTC),
        first_starts_at=starts_at,
        created_at=now,
        status=AppointmentStatus.BOOKED if payment in _PAID_ENOUGH else AppointmentStatus.PENDING,
        payment=_with_terms(Payment(payment), data),
        # Unless it says so, it knows nothing of the money: news of that may be older and yet unheard.
        versions=Versions(data.version, data.version, data.version, 0 if data.status is None else data.version),
        urls=ClinicUrls(data.cabinet_url, data.manage_url, data.record_url),
    )


def change(appointment: Appointment, event: BookingEvent, policy: Policy, now: datetime) -> Appointment | None:
    """The appointment after the event; None when everything it says is older than what is known."""
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
    return _pay(appointment, _OUTCOMES[type(event)], event.data, policy, now)


def lapse(appointment: Appointment) -> Appointment:
    """The unpaid reservation is over."""
    return replace(
        appointment,
        status=AppointmentStatus.CANCELLED,
        cancellation=CancellationReason.PAYMENT_LAPSED,
        payment=replace(appointment.payment, status=PaymentStatus.LAPSED, pending_since=None),
    )


def _update(appointment: Appointment, data: AppointmentData) -> Appointment | None:
    known, changed = appointment.versions, appointment
    if data.version > known.details:
        changed = replace(
            changed,
            title=data.title,
            subject=Subject(data.subject.id, data.subject.name),
            urls=ClinicUrls(data.cabinet_url, data.manage_url, data.record_url),
            payment=_with_terms(changed.payment, data),
            versions=replace(changed.versions, details=data.version),
        )
    if data.version > known.schedule:
        changed = _reschedule(changed, data)
    if data.status is not None and data.version > known.payment:
        changed = _settle(changed, data.status, data.version)
    if data.version > known.status:
        changed = _book(changed, data)
    return None if changed.versions == known else changed


def _settle(appointment: Appointment, status: BookingStatus, version: int) -> Appointment:
    """`booked` says that money is no longer owed; `pending` that it is again, if none was given."""
    payment = appointment.payment
    if status is BookingStatus.BOOKED and payment.status is not PaymentStatus.NOT_NEEDED:
        payment = replace(payment, status=PaymentStatus.SUCCEEDED, pending_since=None)
    elif status is BookingStatus.PENDING and payment.status in {PaymentStatus.PENDING, PaymentStatus.LAPSED}:
        payment = replace(payment, status=PaymentStatus.REQUIRED, pending_since=None)
    return replace(appointment, payment=payment, versions=replace(appointment.versions, payment=version))


def _book(appointment: Appointment, data: AppointmentData) -> Appointment:
    """The status follows the payment; one that was cancelled comes back only when a status is given."""
    appointment = replace(appointment, versions=replace(appointment.versions, status=data.version))
    over = {AppointmentStatus.CANCELLED, AppointmentStatus.NOSHOW, AppointmentStatus.ENTERED_IN_ERROR}
    early = {AppointmentStatus.PENDING, AppointmentStatus.BOOKED}
    revived = appointment.status in over and data.status is not None
    if not revived and appointment.status not in early:
        return appointment
    status = AppointmentStatus.BOOKED if appointment.payment.status in _PAID_ENOUGH else AppointmentStatus.PENDING
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


def _pay(
    appointment: Appointment, wanted: PaymentStatus, data: PaymentEventData, policy: Policy, now: datetime
) -> Appointment | None:
    if data.version <= appointment.versions.payment:
        return None
    current = payment_by_clock(appointment, policy, now)
    if current is PaymentStatus.LAPSED and appointment.payment.status is not PaymentStatus.LAPSED:
        appointment = lapse(appointment)
    appointment = replace(appointment, versions=replace(appointment.versions, payment=data.version))
    if wanted is PaymentStatus.LAPSED:
        return lapse(appointment) if can_become(appointment.payment.status, wanted) else appointment
    if wanted is PaymentStatus.SUCCEEDED and appointment.payment.status is PaymentStatus.LAPSED:
        in_time = _paid_in_time(appointment, data, policy)
        wanted = PaymentStatus.SUCCEEDED if in_time else PaymentStatus.SUCCEEDED_AFTER_LAPSE
    if not can_become(appointment.payment.status, wanted):
        return appointment
    pending_since = now if wanted is PaymentStatus.PENDING else None
    appointment = replace(appointment, payment=replace(appointment.payment, status=wanted, pending_since=pending_since))
    if wanted is not PaymentStatus.SUCCEEDED:
        return appointment
    lapsed = appointment.cancellation is CancellationReason.PAYMENT_LAPSED
    if appointment.status is AppointmentStatus.PENDING or lapsed:
        return replace(appointment, status=AppointmentStatus.BOOKED, cancellation=None)
    return appointment


def _paid_in_time(appointment: Appointment, data: PaymentEventData, policy: Policy) -> bool:
    """A reservation that we ended by the clock comes back when the money was given before; nobody else has the slot."""
    deadline = lapses_at(appointment, policy)
    return deadline is not None and data.happened_at is not None and data.happened_at < deadline


def _with_terms(payment: Payment, data: AppointmentData) -> Payment:
    """The price, where and until when to pay, and whether there is anything to pay at all."""
    expires_at = data.payment.expires_at
    wanted = PaymentStatus.REQUIRED if data.payment.required else PaymentStatus.NOT_NEEDED
    free = payment.status is PaymentStatus.NOT_NEEDED
    if free == data.payment.required and can_become(payment.status, wanted):
        payment = replace(payment, status=wanted, pending_since=None)
    return replace(
        payment,
        price=data.payment.price,
        url=data.payment.url,
        expires_at=None if expires_at is None else expires_at.astimezone(UTC),
    )
