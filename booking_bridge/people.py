"""Brings the participants of an appointment in line with what the booking system says; new ones get a link."""

from dataclasses import replace
from datetime import datetime

from booking_bridge.events import AppointmentData, ParticipantData
from contract.ids import AppointmentId, ParticipantId, new_id
from rooms.links import LinkKey, issue_link
from rooms.model import InvitationStatus, Participant
from rooms.storage.store import Transaction


async def sync_participants(
    transaction: Transaction, key: LinkKey, appointment: AppointmentId, data: AppointmentData, now: datetime
) -> None:
    """Participants left out are withdrawn, those named again are invited again; who was sent out stays out."""
    known = {person.reference: person for person in await transaction.participants.of_appointment(appointment)}
    for person in data.participants:
        before = known.pop(person.id, None)
        if before is None:
            invited = _described(Participant(ParticipantId(new_id("par")), appointment, "", person.role, ""), person)
            await transaction.participants.add(invited)
            await issue_link(transaction, key, invited.id, now)
            continue
        removed = before.invitation is InvitationStatus.REMOVED
        invitation = before.invitation if removed else InvitationStatus.INVITED
        await transaction.participants.save(replace(_described(before, person), invitation=invitation))
    for left_out in known.values():
        if left_out.invitation is InvitationStatus.INVITED:
            await transaction.participants.save(replace(left_out, invitation=InvitationStatus.WITHDRAWN))


def _described(participant: Participant, data: ParticipantData) -> Participant:
    return replace(
        participant,
        reference=data.id,
        role=data.role,
        name=data.name,
        specialty=data.specialty,
        relationship=data.relationship,
        assurance_minimum=data.assurance_minimum,
    )
