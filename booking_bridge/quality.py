"""What the booking system is told of how a consultation went: evidence for refunds, as the server counted it."""

from collections.abc import Sequence
from datetime import datetime

from contract.messages import Message
from rooms.model import Appointment, Participant
from rooms.quality.evidence import BreakCause, Evidence
from rooms.roles import Role


class PersonQuality(Message, frozen=True):
    participant: str
    """The booking system's identifier."""
    role: Role
    live_seconds: float
    unstable_seconds: float
    """Nothing had come from them for some seconds."""
    gone_seconds: float
    """They were expected back: connecting anew, or silent for long."""
    break_counts: dict[BreakCause, int]
    """How often, by cause, those too that are left out of the breaks."""


class MediaBreak(Message, frozen=True):
    """From when somebody was not live any more, until they were again."""

    participant: str
    cause: BreakCause
    began_at: datetime
    ended_at: datetime | None
    """Null: not yet, or never."""
    seconds: float | None


class ConsultationQuality(Message, frozen=True):
    """The answer to `GET /api/v1/appointments/{appointment}/quality`. Seconds are true to some seconds."""

    appointment: str
    """Our identifier."""
    started_at: datetime | None
    finished_at: datetime | None
    counted_until: datetime | None
    """Null: practitioner and patient never met, so nothing was counted."""
    two_way_sound_seconds: float
    two_way_picture_seconds: float
    unobserved_seconds: float
    """Nobody counted then: the server was being started again, or a worker did not answer. Media may have gone on."""
    people: tuple[PersonQuality, ...]
    breaks: tuple[MediaBreak, ...]
    breaks_left_out: int


def quality_of(
    appointment: Appointment, people: Sequence[Participant], evidence: Evidence | None
) -> ConsultationQuality:
    """The evidence in the booking system's names."""
    names = {person.id: person.reference for person in people}
    breaks = () if evidence is None else evidence.breaks
    return ConsultationQuality(
        appointment=appointment.id,
        started_at=appointment.started_at,
        finished_at=appointment.finished_at,
        counted_until=None if evidence is None else evidence.counted_until,
        two_way_sound_seconds=0.0 if evidence is None else round(evidence.two_way_sound, 1),
        two_way_picture_seconds=0.0 if evidence is None else round(evidence.two_way_picture, 1),
        unobserved_seconds=0.0 if evidence is None else round(evidence.unobserved, 1),
        people=tuple(_person(person, evidence) for person in people if evidence and person.id in evidence.people),
        breaks=tuple(
            MediaBreak(
                participant=names[one.participant],
                cause=one.cause,
                began_at=one.began_at,
                ended_at=one.ended_at,
                seconds=None if one.ended_at is None else round((one.ended_at - one.began_at).total_seconds(), 1),
            )
            for one in breaks
            if one.participant in names
        ),
        breaks_left_out=0 if evidence is None else evidence.breaks_left_out,
    )


def _person(person: Participant, evidence: Evidence) -> PersonQuality:
    time = evidence.people[person.id]
    return PersonQuality(
        participant=person.reference,
        role=person.role,
        live_seconds=round(time.live, 1),
        unstable_seconds=round(time.unstable, 1),
        gone_seconds=round(time.gone, 1),
        break_counts={cause: count for (one, cause), count in evidence.break_counts.items() if one == person.id},
    )
