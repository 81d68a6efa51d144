"""Links and the device sessions that were opened with them. Only hashes of secrets are kept."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.ids import AppointmentId, ParticipantId, SessionId
from rooms.model import DeviceSession, Link
from rooms.roles import Assurance
from rooms.storage.tables import device_sessions, links, participants


class LinkTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, token_hash: str) -> Link | None:
        row = (await self._connection.execute(select(links).where(links.c.token_hash == token_hash))).one_or_none()
        return None if row is None else _link(row)

    async def of_participant(self, participant: ParticipantId) -> list[Link]:
        """Every generation, oldest first."""
        query = select(links).where(links.c.participant == participant).order_by(links.c.generation)
        return [_link(row) for row in await self._connection.execute(query)]

    async def of_appointment(self, appointment: AppointmentId) -> list[Link]:
        query = (
            select(links)
            .join(participants, participants.c.id == links.c.participant)
            .where(participants.c.appointment == appointment)
            .order_by(participants.c.position, links.c.generation)
        )
        return [_link(row) for row in await self._connection.execute(query)]

    async def add(self, link: Link, token_hash: str, created_at: datetime) -> None:
        values = {"participant": link.participant, "generation": link.generation, "created_at": created_at}
        await self._connection.execute(insert(links).values(token_hash=token_hash, **values))

    async def revoke_all(self, participant: ParticipantId, at: datetime) -> None:
        valid = (links.c.participant == participant) & (links.c.revoked_at.is_(None))
        await self._connection.execute(update(links).where(valid).values(revoked_at=at))


class DeviceSessionTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, participant: ParticipantId, secret_hash: str) -> DeviceSession | None:
        query = select(device_sessions).where(
            device_sessions.c.participant == participant, device_sessions.c.secret_hash == secret_hash
        )
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else _session(row)

    async def of_appointment(self, appointment: AppointmentId) -> list[DeviceSession]:
        query = (
            select(device_sessions)
            .join(participants, participants.c.id == device_sessions.c.participant)
            .where(participants.c.appointment == appointment)
        )
        return [_session(row) for row in await self._connection.execute(query)]

    async def add(self, session: DeviceSession, secret_hash: str, most: int) -> tuple[SessionId, ...]:
        """Adds a device; of more than `most` the oldest are forgotten, and returned."""
        values = {
            "id": session.id,
            "participant": session.participant,
            "secret_hash": secret_hash,
            "link_generation": session.link_generation,
            "assurance": session.assurance.value,
            "created_at": session.created_at,
            "expires_at": session.expires_at,
        }
        await self._connection.execute(insert(device_sessions).values(**values))
        query = (
            select(device_sessions.c.id)
            .where(device_sessions.c.participant == session.participant)
            .order_by(device_sessions.c.created_at.desc(), device_sessions.c.id)
        )
        forgotten = tuple(SessionId(row.id) for row in (await self._connection.execute(query)).all()[most:])
        for one in forgotten:
            await self.remove(one)
        return forgotten

    async def refresh(self, session: SessionId, link_generation: int, expires_at: datetime) -> None:
        values = {"link_generation": link_generation, "expires_at": expires_at}
        await self._connection.execute(update(device_sessions).where(device_sessions.c.id == session).values(**values))

    async def remove(self, session: SessionId) -> None:
        await self._connection.execute(delete(device_sessions).where(device_sessions.c.id == session))


def _link(row: Row[Any]) -> Link:
    return Link(ParticipantId(row.participant), row.generation, row.revoked_at is not None)


def _session(row: Row[Any]) -> DeviceSession:
    return DeviceSession(
        id=SessionId(row.id),
        participant=ParticipantId(row.participant),
        link_generation=row.link_generation,
        assurance=Assurance(row.assurance),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
