"""May this person come in now? One pure function; the join page, the socket and the API all ask it.

The order of the table below is total: the first row that matches is the verdict.

| code | when | whom it never binds |
| --- | --- | --- |
| link_invalid | the token, or its session, is unknown or too old | |
| link_revoked | the link was revoked or replaced by a newer one | |
| not_invited | not a participant of this appointment (any more) | |
| removed | the practitioner sent them out | |
| entered_in_error | the appointment should never have existed | |
| cancelled | the appointment is cancelled, for another reason than a lapsed payment | members¹ |
| finished | the practitioner ended the consultation | |
| payment_lapsed | not paid in time (or paid after the lapse) | staff, members |
| payment_refunded | the money went back | staff, members |
| payment_pending | the patient is paying: for at most two minutes | staff, members |
| payment_required | not paid | staff, members |
| identity_required | less sure of who it is than the policy asks | |
| consent_required | the patient's side has not accepted the clinic's text | all but patient and related person |
| too_early | before the window | staff, members |
| too_late | after the window, or marked as no-show | members; everybody while the consultation is live |
| waiting_for_practitioner | no practitioner in the room | staff; everybody while the consultation is live |
| admitted | always | |

¹ Members are those who have been in the room of a consultation that is live: in progress, and either somebody is
inside, or the last one left less than `REENTRY` ago, or the window is still open. The clock gates entry only, so
a live consultation is never cut by clock, refund or cancellation.

Staff are practitioners and consultants. Lead time never binds them; the end of the window does.

Overrun: when the patient's side has arrived inside the window, it stays open for `OVERRUN` after its usual end, so a
waiting patient is never told "too late" because the doctor was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from rooms.messages import VerdictCode
from rooms.model import (
    Appointment,
    AppointmentStatus,
    EncounterStatus,
    InvitationStatus,
    Participant,
    PaymentStatus,
)
from rooms.payment import PENDING_SHOWN, lapses_at, payment_by_clock
from rooms.policy import Policy
from rooms.roles import STAFF_ROLES, Assurance, Role

CONSENT_ROLES = frozenset({Role.PATIENT, Role.RELATED_PERSON})
"""Those who accept the clinic's text, pay, and see the clinic's links."""

REENTRY = timedelta(minutes=30)
OVERRUN = timedelta(hours=12)
_MINUTE = timedelta(minutes=1)
_ASSURANCE_ORDER = tuple(Assurance)


class LinkState(StrEnum):
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    VALID = "valid"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of the device that asks, and of the room it asks for."""

    link: LinkState = LinkState.UNKNOWN
    assurance: Assurance = Assurance.LINK
    consents: frozenset[str] = frozenset()
    """Versions of the text that this participant has accepted, on any device."""
    practitioner_present: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    code: VerdictCode
    wait_seconds: int | None = None
    """Until the code changes by itself: the window opens, or a payment stops being pending."""
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    delay_minutes: int | None = None
    """Whole minutes since the start, for one who waits for the practitioner."""
    looks_again_at: datetime | None = None
    """The verdict stays as it is until this moment, unless something happens."""


@dataclass(frozen=True, slots=True)
class Window:
    opens_at: datetime
    closes_at: datetime


def entry_window(appointment: Appointment, policy: Policy) -> Window:
    """When people may come in, overrun included."""
    opens_at = appointment.starts_at - timedelta(minutes=policy.opens_before_start_minutes)
    closes_at = appointment.ends_at + timedelta(minutes=policy.closes_after_end_minutes)
    if appointment.arrived_at is not None and opens_at <= appointment.arrived_at <= closes_at:
        closes_at += OVERRUN
    return Window(opens_at, closes_at)


def is_live(appointment: Appointment, now: datetime, window: Window) -> bool:
    """Whether the consultation is going on, short breaks included."""
    if appointment.encounter is not EncounterStatus.IN_PROGRESS:
        return False
    return appointment.emptied_at is None or now <= max(appointment.emptied_at + REENTRY, window.closes_at)


@dataclass(frozen=True, slots=True)
class _Case:
    appointment: Appointment
    participant: Participant
    entry: Entry
    policy: Policy
    now: datetime
    window: Window
    live: bool
    payment: PaymentStatus

    @property
    def staff(self) -> bool:
        return self.participant.role in STAFF_ROLES

    @property
    def member(self) -> bool:
        return self.live and self.participant.joined_at is not None

    def unpaid_as(self, *statuses: PaymentStatus) -> bool:
        return not self.staff and not self.member and self.payment in statuses


def _not_invited(case: _Case) -> bool:
    belongs = case.participant.appointment == case.appointment.id
    return not belongs or case.participant.invitation is InvitationStatus.WITHDRAWN


def _cancelled(case: _Case) -> bool:
    lapsed = case.payment in {PaymentStatus.LAPSED, PaymentStatus.SUCCEEDED_AFTER_LAPSE}
    return case.appointment.status is AppointmentStatus.CANCELLED and not lapsed and not case.member


def _identity_required(case: _Case) -> bool:
    minimum = case.policy.staff_assurance_minimum if case.staff else case.policy.assurance_minimum
    needed = max(_ASSURANCE_ORDER.index(minimum), _ASSURANCE_ORDER.index(case.participant.assurance_minimum))
    return _ASSURANCE_ORDER.index(case.entry.assurance) < needed


def _consent_required(case: _Case) -> bool:
    version = case.policy.consent_version
    return bool(version) and case.participant.role in CONSENT_ROLES and version not in case.entry.consents


def _too_early(case: _Case) -> bool:
    return not case.staff and not case.member and case.now < case.window.opens_at


def _too_late(case: _Case) -> bool:
    missed = case.appointment.status is AppointmentStatus.NOSHOW
    return not case.live and (missed or case.now > case.window.closes_at)


def _waiting(case: _Case) -> bool:
    return not case.staff and not case.live and not case.entry.practitioner_present


TABLE: tuple[tuple[VerdictCode, Callable[[_Case], bool]], ...] = (
    (VerdictCode.LINK_INVALID, lambda case: case.entry.link is LinkState.UNKNOWN),
    (VerdictCode.LINK_REVOKED, lambda case: case.entry.link is LinkState.REVOKED),
    (VerdictCode.NOT_INVITED, _not_invited),
    (VerdictCode.REMOVED, lambda case: case.participant.invitation is InvitationStatus.REMOVED),
    (VerdictCode.ENTERED_IN_ERROR, lambda case: case.appointment.status is AppointmentStatus.ENTERED_IN_ERROR),
    (VerdictCode.CANCELLED, _cancelled),
    (VerdictCode.FINISHED, lambda case: case.appointment.encounter is EncounterStatus.FINISHED),
    (
        VerdictCode.PAYMENT_LAPSED,
        lambda case: case.unpaid_as(PaymentStatus.LAPSED, PaymentStatus.SUCCEEDED_AFTER_LAPSE),
    ),
    (VerdictCode.PAYMENT_REFUNDED, lambda case: case.unpaid_as(PaymentStatus.REFUNDED)),
    (VerdictCode.PAYMENT_PENDING, lambda case: case.unpaid_as(PaymentStatus.PENDING)),
    (VerdictCode.PAYMENT_REQUIRED, lambda case: case.unpaid_as(PaymentStatus.REQUIRED)),
    (VerdictCode.IDENTITY_REQUIRED, _identity_required),
    (VerdictCode.CONSENT_REQUIRED, _consent_required),
    (VerdictCode.TOO_EARLY, _too_early),
    (VerdictCode.TOO_LATE, _too_late),
    (VerdictCode.WAITING_FOR_PRACTITIONER, _waiting),
    (VerdictCode.ADMITTED, lambda case: True),
)
"""The order of admission, the same as that of `VerdictCode`."""


def admit(
    appointment: Appointment | None, participant: Participant | None, entry: Entry, now: datetime, policy: Policy
) -> Verdict:
    """The verdict for one participant on one device at one moment. Pure; `now` is timezone-aware."""
    if appointment is None or participant is None:
        if entry.link is not LinkState.VALID or appointment is None:
            revoked = entry.link is LinkState.REVOKED
            return Verdict(VerdictCode.LINK_REVOKED if revoked else VerdictCode.LINK_INVALID)
        return Verdict(VerdictCode.NOT_INVITED)
    window = entry_window(appointment, policy)
    live = is_live(appointment, now, window)
    payment = payment_by_clock(appointment, policy, now)
    case = _Case(appointment, participant, entry, policy, now, window, live, payment)
    code = next(code for code, matches in TABLE if matches(case))
    late = now - appointment.starts_at
    waits_past_start = code is VerdictCode.WAITING_FOR_PRACTITIONER and late >= timedelta()
    return Verdict(
        code,
        wait_seconds=_wait_seconds(code, case),
        opens_at=window.opens_at,
        closes_at=window.closes_at,
        delay_minutes=late // _MINUTE if waits_past_start else None,
        looks_again_at=_looks_again_at(case, waits_past_start),
    )


def _wait_seconds(code: VerdictCode, case: _Case) -> int | None:
    pending_since = case.appointment.payment.pending_since
    if code is VerdictCode.TOO_EARLY:
        return ceil((case.window.opens_at - case.now).total_seconds())
    if code is VerdictCode.PAYMENT_PENDING and pending_since is not None:
        return ceil((pending_since + PENDING_SHOWN - case.now).total_seconds())
    return None


def _looks_again_at(case: _Case, waits_past_start: bool) -> datetime | None:
    """The next moment at which the clock alone could change anything."""
    after_closing = timedelta(microseconds=1)
    moments = [case.appointment.starts_at, case.window.opens_at, case.window.closes_at + after_closing]
    lapse = lapses_at(case.appointment, case.policy)
    if lapse is not None:
        moments.append(lapse)
    if case.appointment.payment.pending_since is not None:
        moments.append(case.appointment.payment.pending_since + PENDING_SHOWN)
    if case.appointment.emptied_at is not None:
        moments.append(case.appointment.emptied_at + REENTRY + after_closing)
    if waits_past_start:
        minutes = (case.now - case.appointment.starts_at) // _MINUTE
        moments.append(case.appointment.starts_at + (minutes + 1) * _MINUTE)
    return min((moment for moment in moments if moment > case.now), default=None)
