"""What booking systems send us: the payload of each webhook, declared once.

The envelope is that of Standard Webhooks: `{"type": …, "timestamp": …, "data": {…}}`. `data.version` rises with every
change that the booking system makes to an appointment.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from contract.messages import Message
from rooms.roles import Assurance, Role

SHOWN = r"^[^\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]*\Z"
"""No control characters, and none that turn the direction of writing: they make a name look like another."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=SHOWN)]
OptionalText = Annotated[str, msgspec.Meta(max_length=300, pattern=SHOWN)]
Url = Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^(https?://[^\s<>\"]+)?\Z")]
"""Empty, or a web address: anything else could run in the patient's browser."""
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Version = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


def is_name(text: str) -> bool:
    """Whether it may be the name of an appointment or a participant."""
    try:
        msgspec.convert(text, Name)
    except msgspec.ValidationError:
        return False
    return True


YEARS = range(2000, 2200)
"""Outside of them a moment is a mistake, and adding a window to it might not be a moment at all."""


def _check_years(*moments: datetime | None) -> None:
    if any(moment is not None and moment.year not in YEARS for moment in moments):
        raise ValueError(f"moments lie between the years {YEARS.start} and {YEARS.stop}")


class _Data(Message, frozen=True, kw_only=True):
    clinic: Name
    """Whose secret signed the message."""
    appointment: Name
    """The booking system's own identifier of the appointment."""
    version: Version


class ParticipantData(Message, frozen=True):
    id: Name
    """The booking system's own identifier, unique within the appointment."""
    role: Role
    name: Name
    specialty: OptionalText = ""
    relationship: Annotated[str, msgspec.Meta(max_length=100, pattern=SHOWN)] = ""
    assurance_minimum: Assurance = Assurance.LINK


class SubjectData(Message, frozen=True):
    name: Name
    id: Annotated[str, msgspec.Meta(max_length=200, pattern=SHOWN)] = ""


class PaymentData(Message, frozen=True):
    """How the appointment is paid. Whether it was paid is told by `payment.*` events."""

    required: bool = True
    price: Annotated[str, msgspec.Meta(max_length=100, pattern=SHOWN)] = ""
    url: Url = ""
    expires_at: Moment | None = None

    def __post_init__(self) -> None:
        _check_years(self.expires_at)


class BookingStatus(StrEnum):
    """FHIR R4 words for what the booking system may say at creation or in an update."""

    PENDING = "pending"
    BOOKED = "booked"
    """Paid, or free; also books a lapsed or cancelled appointment anew."""


class AppointmentData(_Data, frozen=True, kw_only=True):
    """The whole appointment, of `appointment.created` and `.updated`. Participants left out are withdrawn."""

    starts_at: Moment
    ends_at: Moment
    title: OptionalText = ""
    subject: SubjectData
    participants: Annotated[tuple[ParticipantData, ...], msgspec.Meta(min_length=1, max_length=16)]
    payment: PaymentData = PaymentData()
    status: BookingStatus | None = None
    cabinet_url: Url = ""
    manage_url: Url = ""
    record_url: Url = ""

    def __post_init__(self) -> None:
        _check_years(self.starts_at, self.ends_at)
        if self.ends_at <= self.starts_at:
            raise ValueError("an appointment ends after it starts")
        if len({person.id for person in self.participants}) != len(self.participants):
            raise ValueError("each participant has its own id")


class RescheduledData(_Data, frozen=True):
    starts_at: Moment
    ends_at: Moment

    def __post_init__(self) -> None:
        _check_years(self.starts_at, self.ends_at)
        if self.ends_at <= self.starts_at:
            raise ValueError("an appointment ends after it starts")


class CancelledStatus(StrEnum):
    CANCELLED = "cancelled"
    NOSHOW = "noshow"
    ENTERED_IN_ERROR = "entered-in-error"


class CancelledBy(StrEnum):
    PATIENT = "patient"
    CLINIC = "clinic"


class CancelledData(_Data, frozen=True):
    status: CancelledStatus = CancelledStatus.CANCELLED
    reason: CancelledBy = CancelledBy.CLINIC


class PaymentEventData(_Data, frozen=True):
    """Of every `payment.*` event."""

    happened_at: Moment | None = None
    """When the money moved, which may be long before the news of it; None: now."""

    def __post_init__(self) -> None:
        _check_years(self.happened_at)


class _BookingEvent(Message, frozen=True, tag_field="type"):
    timestamp: Moment


class AppointmentCreated(_BookingEvent, frozen=True, tag="appointment.created"):
    data: AppointmentData


class AppointmentUpdated(_BookingEvent, frozen=True, tag="appointment.updated"):
    data: AppointmentData


class AppointmentRescheduled(_BookingEvent, frozen=True, tag="appointment.rescheduled"):
    """Moved to another time; links stay as they are."""

    data: RescheduledData


class AppointmentCancelled(_BookingEvent, frozen=True, tag="appointment.cancelled"):
    data: CancelledData


class PaymentPending(_BookingEvent, frozen=True, tag="payment.pending"):
    """The patient has gone to pay, or came back and the bank has not answered yet."""

    data: PaymentEventData


class PaymentSucceeded(_BookingEvent, frozen=True, tag="payment.succeeded"):
    data: PaymentEventData


class PaymentRefunded(_BookingEvent, frozen=True, tag="payment.refunded"):
    data: PaymentEventData


class PaymentLapsed(_BookingEvent, frozen=True, tag="payment.lapsed"):
    """The unpaid reservation is over."""

    data: PaymentEventData


PaymentEvent = PaymentPending | PaymentSucceeded | PaymentRefunded | PaymentLapsed
BookingEvent = AppointmentCreated | AppointmentUpdated | AppointmentRescheduled | AppointmentCancelled | PaymentEvent


class _UnverifiedData(msgspec.Struct):
    clinic: Name


class UnverifiedEnvelope(msgspec.Struct):
    """As much as is read before the signature is checked: whose secret to check it with."""

    data: _UnverifiedData
