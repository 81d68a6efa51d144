"""From a verdict to what this one person may see of it."""

from dataclasses import dataclass
from datetime import datetime

from rooms.admission import CONSENT_ROLES, Verdict
from rooms.messages import AppointmentView, ClinicView, ConsentView, PersonView, VerdictCode, VerdictView
from rooms.model import Appointment, Clinic, EncounterStatus, InvitationStatus, Participant, PaymentStatus
from rooms.policy import Policy

SHUT_OUT = frozenset({VerdictCode.LINK_REVOKED, VerdictCode.NOT_INVITED, VerdictCode.REMOVED})
"""They are told whom to call, and nothing else."""

_PAY_NOW = frozenset({VerdictCode.PAYMENT_REQUIRED, VerdictCode.PAYMENT_PENDING})
_OVER = frozenset({VerdictCode.ENTERED_IN_ERROR, VerdictCode.CANCELLED, VerdictCode.FINISHED})


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything stored about one appointment that a view may be drawn from."""

    clinic: Clinic
    policy: Policy
    appointment: Appointment
    participants: tuple[Participant, ...]


def view_of_unknown_link(now: datetime) -> VerdictView:
    """Reveals nothing: neither that an appointment exists, nor of which clinic."""
    return VerdictView(code=VerdictCode.LINK_INVALID, server_time=now)


def view_verdict(
    verdict: Verdict,
    scene: Scene,
    participant: Participant,
    consents: frozenset[str],
    now: datetime,
    inside_elsewhere: bool,
) -> VerdictView:
    """Draws the verdict for one participant."""
    if verdict.code is VerdictCode.LINK_INVALID:
        return view_of_unknown_link(now)
    if verdict.code in SHUT_OUT:
        return VerdictView(code=verdict.code, server_time=now, clinic=view_clinic(scene.clinic))
    bound_by_consent = participant.role in CONSENT_ROLES
    return VerdictView(
        code=verdict.code,
        server_time=now,
        wait_seconds=verdict.wait_seconds,
        opens_at=verdict.opens_at,
        closes_at=verdict.closes_at,
        me=view_person(participant),
        clinic=view_clinic(scene.clinic),
        appointment=_view_appointment(verdict, scene, participant, now),
        consent=_view_consent(scene.policy, consents) if bound_by_consent else None,
        paid_after_lapse=bound_by_consent and scene.appointment.payment.status is PaymentStatus.SUCCEEDED_AFTER_LAPSE,
        disclaimer=scene.policy.disclaimer and bound_by_consent,
        delay_minutes=verdict.delay_minutes,
        inside_elsewhere=inside_elsewhere,
    )


def view_clinic(clinic: Clinic) -> ClinicView:
    return ClinicView(name=clinic.name, phone=clinic.phone, time_zone=clinic.time_zone)


def view_person(participant: Participant) -> PersonView:
    return PersonView(
        id=participant.id,
        name=participant.name,
        role=participant.role,
        specialty=participant.specialty,
        relationship=participant.relationship,
    )


def _view_consent(policy: Policy, consents: frozenset[str]) -> ConsentView | None:
    if not policy.consent_version:
        return None
    return ConsentView(
        version=policy.consent_version,
        text_ru=policy.consent_text_ru,
        text_en=policy.consent_text_en,
        accepted=policy.consent_version in consents,
    )


def _view_appointment(verdict: Verdict, scene: Scene, participant: Participant, now: datetime) -> AppointmentView:
    appointment, urls = scene.appointment, scene.appointment.urls
    # Whoever has not shown who they are yet might be anybody with the link.
    identified = verdict.code is not VerdictCode.IDENTITY_REQUIRED
    cares = identified and participant.role in CONSENT_ROLES
    invited = (person for person in scene.participants if person.invitation is InvitationStatus.INVITED)
    return AppointmentView(
        id=appointment.id,
        clinic=view_clinic(scene.clinic),
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        moved=appointment.moved,
        title=appointment.title if identified else "",
        subject_name=appointment.subject.name if identified else "",
        people=tuple(view_person(person) for person in invited) if identified else (),
        payment_url=appointment.payment.url if cares and verdict.code in _PAY_NOW else "",
        cabinet_url=urls.cabinet if cares else "",
        manage_url=urls.manage if cares and _can_be_managed(verdict, scene, now) else "",
        record_url=urls.record if cares else "",
        price=appointment.payment.price if cares else "",
    )


def _can_be_managed(verdict: Verdict, scene: Scene, now: datetime) -> bool:
    if verdict.code in _OVER or scene.appointment.encounter is not EncounterStatus.PLANNED:
        return False
    return now < scene.appointment.starts_at or not scene.policy.cancel_until_start
