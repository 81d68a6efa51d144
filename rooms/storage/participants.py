"""The people invited to an appointment, and what they consented to."""

from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.ids import AppointmentId, ParticipantId
from rooms.model import Consent, InvitationStatus, Participant
from rooms.roles import Assurance, Role
from rooms.storage.tables import consents, participants


class ParticipantTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, participant: ParticipantId) -> Participant | None:
        query = select(participants).where(participants.c.id == participant)
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else _from_row(row)

    async def of_appointment(self, appointment: AppointmentId) -> tuple[Participant, ...]:
        """Everybody ever invited, in order of invitation."""
        query = select(participants).where(participants.c.appointment == appointment).order_by(participants.c.position)
        return tuple(_from_row(row) for row in await self._connection.execute(query))

    async def add(self, participant: Participant) -> None:
        """Adds at the end of the order of invitation."""
        query = select(func.count()).where(participants.c.appointment == participant.appointment)
        position = (await self._connection.execute(query)).scalar_one()
        values = {"id": participant.id, "appointment": participant.appointment, "position": position}
        await self._connection.execute(insert(participants).values(**values, **_changeable(participant)))

    async def save(self, participant: Participant) -> None:
        query = update(participants).where(participants.c.id == participant.id).values(**_changeable(participant))
        await self._connection.execute(query)


class ConsentTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of_appointment(self, appointment: AppointmentId) -> dict[ParticipantId, frozenset[str]]:
        """The versions accepted, by participant."""
        query = (
            select(consents.c.participant, consents.c.version)
            .join(participants, participants.c.id == consents.c.participant)
            .where(participants.c.appointment == appointment)
        )
        accepted: dict[ParticipantId, frozenset[str]] = {}
        for row in await self._connection.execute(query):
            key = ParticipantId(row.participant)
            accepted[key] = accepted.get(key, frozenset()) | {row.version}
        return accepted

    async def add(self, consent: Consent) -> bool:
        """Keeps the first acceptance of each version; whether this was it."""
        query = select(consents.c.version).where(
            consents.c.participant == consent.participant, consents.c.version == consent.version
        )
        if (await self._connection.execute(query)).first() is not None:
            return False
        values = {
            "participant": consent.participant,
            "version": consent.version,
            "session": consent.session,
            "accepted_at": consent.accepted_at,
        }
        await self._connection.execute(insert(consents).values(**values))
        return True


def _changeable(participant: Participant) -> dict[str, Any]:
    return {
        "reference": participant.reference,
        "role": participant.role.value,
        "name": participant.name,
        "specialty": participant.specialty,
        "relationship": participant.relationship,
        "assurance_minimum": participant.assurance_minimum.value,
        "invitation": participant.invitation.value,
        "joined_at": participant.joined_at,
        "seated": participant.seated,
    }


def _from_row(row: Row[Any]) -> Participant:
    return Participant(
        id=ParticipantId(row.id),
        appointment=AppointmentId(row.appointment),
        reference=row.reference,
        role=Role(row.role),
        name=row.name,
        specialty=row.specialty,
        relationship=row.relationship,
        assurance_minimum=Assurance(row.assurance_minimum),
        invitation=InvitationStatus(row.invitation),
        joined_at=row.joined_at,
        seated=row.seated,
    )
