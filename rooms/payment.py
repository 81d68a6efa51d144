"""The payment of an appointment: which changes are possible, and what the clock alone changes."""

from dataclasses import replace
from datetime import datetime, timedelta

from rooms.model import Appointment, PaymentStatus
from rooms.policy import LapseOwner, PaymentDeadline, Policy

PENDING_SHOWN = timedelta(minutes=2)
"""For how long a payment under way is waited for; then the patient may pay again."""

RETURNS_APART = timedelta(minutes=10)
"""How long after a return from the payment page another one changes nothing: it must not hide «pay again» for ever."""

_S = PaymentStatus

TRANSITIONS: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    _S.NOT_NEEDED: frozenset({_S.REQUIRED, _S.SUCCEEDED, _S.REFUNDED}),
    _S.REQUIRED: frozenset({_S.NOT_NEEDED, _S.PENDING, _S.SUCCEEDED, _S.REFUNDED, _S.LAPSED}),
    _S.PENDING: frozenset({_S.NOT_NEEDED, _S.REQUIRED, _S.PENDING, _S.SUCCEEDED, _S.REFUNDED, _S.LAPSED}),
    _S.SUCCEEDED: frozenset({_S.NOT_NEEDED, _S.REFUNDED, _S.SUCCEEDED_AFTER_LAPSE}),
    _S.REFUNDED: frozenset({_S.NOT_NEEDED, _S.PENDING, _S.SUCCEEDED}),
    _S.LAPSED: frozenset({_S.NOT_NEEDED, _S.REQUIRED, _S.SUCCEEDED, _S.REFUNDED, _S.SUCCEEDED_AFTER_LAPSE}),
    _S.SUCCEEDED_AFTER_LAPSE: frozenset({_S.NOT_NEEDED, _S.SUCCEEDED, _S.REFUNDED}),
}
"""What may follow what. A lapsed reservation comes back only when the booking system books it anew, or when the
money was given in time and only the news of it was late. Some steps exist because news overtakes news: a refund is
heard before the payment, a lapse after it."""


def can_become(old: PaymentStatus, new: PaymentStatus) -> bool:
    """Whether the booking system's news makes sense now; a step back (such as pending after succeeded) does not."""
    return new in TRANSITIONS[old]


def lapses_at(appointment: Appointment, policy: Policy) -> datetime | None:
    """When we ourselves end the unpaid reservation; None: never, or the booking system says so."""
    if policy.lapse_owner is LapseOwner.BOOKING_SYSTEM:
        return None
    if appointment.payment.expires_at is not None:
        return appointment.payment.expires_at
    if policy.payment_deadline is PaymentDeadline.START:
        return appointment.starts_at
    if policy.payment_deadline is PaymentDeadline.MINUTES_AFTER_BOOKING:
        return min(appointment.created_at + timedelta(minutes=policy.lapse_after_minutes), appointment.starts_at)
    return None


def payment_by_clock(appointment: Appointment, policy: Policy, now: datetime) -> PaymentStatus:
    """The payment as it stands at this moment: nothing stays pending for long, and reservations lapse on time
    whether or not the lapse was stored yet."""
    payment = appointment.payment
    if payment.status not in {PaymentStatus.REQUIRED, PaymentStatus.PENDING}:
        return payment.status
    since = payment.pending_since if payment.status is PaymentStatus.PENDING else None
    if since is not None and now < since + PENDING_SHOWN:
        return PaymentStatus.PENDING
    lapse = lapses_at(appointment, policy)
    if lapse is not None and now >= lapse:
        return PaymentStatus.LAPSED
    return PaymentStatus.REQUIRED


def returned(appointment: Appointment, policy: Policy, now: datetime) -> Appointment | None:
    """The appointment after somebody came back from paying: the answer of the bank is waited for. None: no change,
    because nothing is owed (any more), or because it was said a short while ago."""
    payment = appointment.payment
    if payment_by_clock(appointment, policy, now) is not PaymentStatus.REQUIRED:
        return None
    if payment.returned_at is not None and now < payment.returned_at + RETURNS_APART:
        return None
    pending = replace(payment, status=PaymentStatus.PENDING, pending_since=now, returned_at=now)
    return replace(appointment, payment=pending)
