"""What news of money changes. Pure.

Payments, refunds and lapses overtake each other like everything else, and none may be lost: whether money is there
depends on the newest version that said so and the newest that took it back, not on what was heard last. A payment
under way (`payment.pending`) is only a hint, so it never hides an outcome.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from booking_bridge.events import (
    AppointmentData,
    BookingStatus,
    PaymentEvent,
    PaymentEventData,
    PaymentLapsed,
    PaymentPending,
    PaymentRefunded,
    PaymentSucceeded,
)
from rooms.model import Appointment, AppointmentStatus, CancellationReason, Payment, PaymentStatus, Versions
from rooms.payment import can_become, lapses_at, payment_by_clock
from rooms.policy import LapseOwner, Policy

RESERVED = frozenset({AppointmentStatus.PENDING, AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED})
"""What a lapse can end; what is over, or has taken place, stays as it is."""

_S = PaymentStatus


def lapse(appointment: Appointment) -> Appointment:
    """The unpaid reservation is over."""
    appointment = _as(appointment, _S.LAPSED)
    if appointment.status not in RESERVED:
        return appointment
    return replace(appointment, status=AppointmentStatus.CANCELLED, cancellation=CancellationReason.PAYMENT_LAPSED)


def pay(appointment: Appointment, event: PaymentEvent, policy: Policy, now: datetime) -> Appointment | None:
    """The appointment after a `payment.*` event; None when it says nothing new."""
    if payment_by_clock(appointment, policy, now) is not _S.LAPSED or appointment.payment.status is _S.LAPSED:
        return _HEARD[type(event)](appointment, event.data, policy, now)
    # The clock was quicker than whoever stores lapses.
    lapsed = lapse(appointment)
    return _HEARD[type(event)](lapsed, event.data, policy, now) or lapsed


def settle(appointment: Appointment, data: AppointmentData) -> Appointment:
    """`booked` says that money is no longer owed; `pending` that it is again, if none was given."""
    known, current, version = appointment.versions, appointment.payment.status, data.version
    if data.status is BookingStatus.BOOKED and data.payment.required:
        # Money that came after a lapse is newer than the booking anew that it overtook, and settles nothing by itself.
        renews = current is _S.SUCCEEDED_AFTER_LAPSE and version > max(known.status, known.refund)
        if version <= max(known.paid, known.refund) and not renews:
            return appointment
        paid = current if current is _S.NOT_NEEDED else _S.SUCCEEDED
        return _as(appointment, paid, _after(known, version, paid=max(known.paid, version)))
    if data.status is BookingStatus.PENDING and version > known.payment:
        reopened = _S.REQUIRED if current in {_S.PENDING, _S.LAPSED} else current
        return _as(appointment, reopened, _after(known, version))
    return appointment


def with_terms(payment: Payment, versions: Versions, data: AppointmentData) -> Payment:
    """The price, where and until when to pay, and whether there is anything to pay at all."""
    expires_at = data.payment.expires_at
    status = payment.status
    if not data.payment.required:
        status = _S.NOT_NEEDED
    elif status is _S.NOT_NEEDED:
        status = _told_so_far(versions)
    return replace(
        payment,
        status=status,
        pending_since=payment.pending_since if status is payment.status else None,
        price=data.payment.price,
        url=data.payment.url,
        expires_at=None if expires_at is None else expires_at.astimezone(UTC),
    )


def _told_so_far(versions: Versions) -> PaymentStatus:
    if versions.paid > versions.refund:
        return _S.SUCCEEDED
    return _S.REFUNDED if versions.refund else _S.REQUIRED


def _pending(appointment: Appointment, data: PaymentEventData, policy: Policy, now: datetime) -> Appointment | None:
    known = appointment.versions
    if data.version <= known.payment or not can_become(appointment.payment.status, _S.PENDING):
        return None
    pending = _as(appointment, _S.PENDING, _after(known, data.version))
    return replace(pending, payment=replace(pending.payment, pending_since=now))


def _succeeded(appointment: Appointment, data: PaymentEventData, policy: Policy, now: datetime) -> Appointment | None:
    known, current = appointment.versions, appointment.payment.status
    if data.version <= max(known.paid, known.refund):
        return None
    heard = _after(known, data.version, paid=data.version)
    if current in {_S.NOT_NEEDED, _S.SUCCEEDED}:
        return replace(appointment, versions=heard)
    if _is_lapsed(appointment) and data.version >= known.payment and not _paid_in_time(appointment, data, policy):
        return _as(appointment, _S.SUCCEEDED_AFTER_LAPSE, heard)
    return _booked(_as(appointment, _S.SUCCEEDED, heard))


def _refunded(appointment: Appointment, data: PaymentEventData, policy: Policy, now: datetime) -> Appointment | None:
    known, current = appointment.versions, appointment.payment.status
    if data.version <= max(known.paid, known.refund):
        return None
    heard = _after(known, data.version, refund=data.version)
    paid_anew = current is _S.PENDING and known.payment > data.version
    if current is _S.NOT_NEEDED or paid_anew:
        return replace(appointment, versions=heard)
    refunded = _as(appointment, _S.REFUNDED, heard)
    # Money that went back had come: it was booked, even if that news is still on its way.
    return refunded if _is_lapsed(appointment) else _booked(refunded)


def _lapsed(appointment: Appointment, data: PaymentEventData, policy: Policy, now: datetime) -> Appointment | None:
    known, current = appointment.versions, appointment.payment.status
    if data.version > known.payment:
        if not can_become(current, _S.LAPSED):
            return None
        return replace(lapse(appointment), versions=_after(known, data.version))
    # Late news. It counts unless the reservation was renewed since.
    if data.version < known.status or policy.lapse_owner is LapseOwner.BRIDGE:
        return None
    if current is _S.PENDING:
        # From here on it is the lapse that money is older or newer than.
        return replace(lapse(appointment), versions=replace(known, payment=data.version))
    if current is _S.SUCCEEDED and data.version < known.paid:
        return _as(lapse(appointment), _S.SUCCEEDED_AFTER_LAPSE)
    if current is _S.REFUNDED:
        return _as(lapse(appointment), _S.REFUNDED)
    return None


_Heard = Callable[[Appointment, PaymentEventData, Policy, datetime], Appointment | None]
_HEARD: dict[type[PaymentEvent], _Heard] = {
    PaymentPending: _pending,
    PaymentSucceeded: _succeeded,
    PaymentRefunded: _refunded,
    PaymentLapsed: _lapsed,
}


def _paid_in_time(appointment: Appointment, data: PaymentEventData, policy: Policy) -> bool:
    """A reservation that we ended by the clock comes back when the money was given before; nobody else has the slot."""
    deadline = lapses_at(appointment, policy)
    return deadline is not None and data.happened_at is not None and data.happened_at < deadline


def _is_lapsed(appointment: Appointment) -> bool:
    """Until it is booked anew, also when late money came and went back meanwhile."""
    by_status = appointment.cancellation is CancellationReason.PAYMENT_LAPSED
    return by_status or appointment.payment.status in {_S.LAPSED, _S.SUCCEEDED_AFTER_LAPSE}


def _booked(appointment: Appointment) -> Appointment:
    lapsed = appointment.cancellation is CancellationReason.PAYMENT_LAPSED
    if appointment.status is AppointmentStatus.PENDING or lapsed:
        return replace(appointment, status=AppointmentStatus.BOOKED, cancellation=None)
    return appointment


def _as(appointment: Appointment, status: PaymentStatus, versions: Versions | None = None) -> Appointment:
    payment = appointment.payment
    if status is not payment.status:
        payment = replace(payment, status=status, pending_since=None)
    return replace(appointment, payment=payment, versions=versions or appointment.versions)


def _after(known: Versions, version: int, paid: int | None = None, refund: int | None = None) -> Versions:
    return replace(
        known,
        payment=max(known.payment, version),
        paid=known.paid if paid is None else paid,
        refund=known.refund if refund is None else refund,
    )
