"""The things of the domain: clinics, appointments, the people invited, their links and devices.

Words for status are those of FHIR R4 (Appointment.status, Encounter.status). Everything is immutable; a change is
a new value, stored by `rooms.storage`. All moments are timezone-aware and in UTC.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from contract.ids import AppointmentId, ClinicId, ParticipantId, SessionId
from rooms.roles import Assurance, Role


class AppointmentStatus(StrEnum):
    """FHIR R4 Appointment.status, as far as it is used. "Moved" is no status."""

    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"
    ENTERED_IN_ERROR = "entered-in-error"


class CancellationReason(StrEnum):
    PATIENT = "patient"
    CLINIC = "clinic"
    PAYMENT_LAPSED = "payment-lapsed"


class EncounterStatus(StrEnum):
    """FHIR R4 Encounter.status of the consultation itself (class VR)."""

    PLANNED = "planned"
    IN_PROGRESS = "in-progress"
    FINISHED = "finished"


class PaymentStatus(StrEnum):
    NOT_NEEDED = "not_needed"
    REQUIRED = "required"
    PENDING = "pending"
    """The patient has gone to pay; the answer is under way."""
    SUCCEEDED = "succeeded"
    REFUNDED = "refunded"
    LAPSED = "lapsed"
    """Not paid in time: the reservation is over."""
    SUCCEEDED_AFTER_LAPSE = "succeeded_after_lapse"
    """Money came when the reservation was over: kept and told, admits nobody by itself."""


class InvitationStatus(StrEnum):
    INVITED = "invited"
    WITHDRAWN = "withdrawn"
    """The booking system took the participant off the appointment."""
    REMOVED = "removed"
    """Sent out by the practitioner during the consultation."""


@dataclass(frozen=True, slots=True)
class Clinic:
    """A tenant."""

    id: ClinicId
    name: str
    phone: str
    time_zone: str
    """IANA name."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The patient the appointment is about (FHIR's subject); takes part as a `Participant` like everybody else."""

    reference: str
    """The booking system's own identifier of the patient; may be empty."""
    name: str


@dataclass(frozen=True, slots=True)
class Payment:
    status: PaymentStatus
    price: str = ""
    """As the clinic writes it, such as `2 500 ₽`."""
    url: str = ""
    expires_at: datetime | None = None
    """When the unpaid reservation lapses; None: by the clinic's policy."""
    pending_since: datetime | None = None
    returned_at: datetime | None = None
    """When somebody last came back from the clinic's payment page and said so."""


@dataclass(frozen=True, slots=True)
class ClinicUrls:
    """Pages of the booking system, shown where they help."""

    cabinet: str = ""
    manage: str = ""
    record: str = ""


@dataclass(frozen=True, slots=True)
class Versions:
    """The newest `data.version` applied to each part of an appointment.

    Events are partial, so one common number would lose a payment that was overtaken by a reschedule.
    """

    details: int = 0
    schedule: int = 0
    status: int = 0
    payment: int = 0
    paid: int = 0
    """The newest that said that the money is there; part of `payment`, since news of money must not get lost."""
    refund: int = 0
    """The newest that said that the money went back."""

    @property
    def newest(self) -> int:
        return max(self.details, self.schedule, self.status, self.payment, self.paid, self.refund)


@dataclass(frozen=True, slots=True)
class Appointment:
    id: AppointmentId
    clinic: ClinicId
    reference: str
    """The booking system's own identifier; unique within the clinic."""
    title: str
    subject: Subject
    starts_at: datetime
    ends_at: datetime
    first_starts_at: datetime
    """The start as first told; differs from `starts_at` once the appointment was moved."""
    created_at: datetime
    status: AppointmentStatus
    payment: Payment
    versions: Versions
    urls: ClinicUrls = ClinicUrls()
    cancellation: CancellationReason | None = None
    encounter: EncounterStatus = EncounterStatus.PLANNED
    arrived_at: datetime | None = None
    """When the patient's side first asked to come in and could only wait for the practitioner."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    emptied_at: datetime | None = None
    """When the last person left a consultation in progress; None while somebody is inside."""

    def __post_init__(self) -> None:
        # Adding minutes to a local time goes wrong where the clocks are changed, so nothing local may get in.
        for name in ("starts_at", "ends_at", "first_starts_at", "created_at"):
            object.__setattr__(self, name, getattr(self, name).astimezone(UTC))

    @property
    def moved(self) -> bool:
        return self.starts_at != self.first_starts_at


@dataclass(frozen=True, slots=True)
class Participant:
    """One invited person."""

    id: ParticipantId
    appointment: AppointmentId
    reference: str
    """The booking system's own identifier; unique within the appointment."""
    role: Role
    name: str
    specialty: str = ""
    relationship: str = ""
    """Of a related person to the subject, such as «мать»."""
    assurance_minimum: Assurance = Assurance.LINK
    """Raises the policy's minimum for this one person."""
    invitation: InvitationStatus = InvitationStatus.INVITED
    joined_at: datetime | None = None
    """When they were first in the room: from then on they are a member of the consultation."""
    seated: bool = False
    """Whether they held a seat when last written: lets a restarted server expect them back."""


@dataclass(frozen=True, slots=True)
class Link:
    """One generation of a participant's personal link; its token is stored only hashed."""

    participant: ParticipantId
    generation: int
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class DeviceSession:
    """One device of one participant: what the HttpOnly cookie stands for."""

    id: SessionId
    participant: ParticipantId
    link_generation: int
    assurance: Assurance
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """That a participant accepted the clinic's text, when, and on which device."""

    participant: ParticipantId
    version: str
    session: SessionId
    accepted_at: datetime
