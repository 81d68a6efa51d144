"""The evidence of how consultations went: seconds and breaks."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.ids import AppointmentId, ParticipantId
from rooms.quality.evidence import Break, BreakCause, Evidence, PersonTime
from rooms.storage.tables import appointments, break_counts, media_breaks, participant_quality, quality


class QualityTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, appointment: AppointmentId) -> Evidence | None:
        query = select(quality).where(quality.c.appointment == appointment)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        people = select(participant_quality).where(participant_quality.c.appointment == appointment)
        breaks = select(media_breaks).where(media_breaks.c.appointment == appointment).order_by(media_breaks.c.number)
        counts = select(break_counts).where(break_counts.c.appointment == appointment)
        return Evidence(
            counted_until=row.counted_until,
            two_way_sound=row.two_way_sound,
            two_way_picture=row.two_way_picture,
            unobserved=row.unobserved,
            breaks_left_out=row.breaks_left_out,
            finished=row.finished,
            people={
                ParticipantId(one.participant): PersonTime(one.live, one.unstable, one.gone)
                for one in await self._connection.execute(people)
            },
            break_counts={
                (ParticipantId(one.participant), BreakCause(one.cause)): one.breaks
                for one in await self._connection.execute(counts)
            },
            breaks=tuple(
                Break(ParticipantId(one.participant), BreakCause(one.cause), one.began_at, one.ended_at)
                for one in await self._connection.execute(breaks)
            ),
        )

    async def put(self, evidence: Mapping[AppointmentId, Evidence], written: Mapping[AppointmentId, set[int]]) -> None:
        """Stores many consultations at once. `written`: numbers of breaks that are stored already, and over.

        Those whose appointment is deleted by now are left out.
        """
        known = select(appointments.c.id).where(appointments.c.id.in_(list(evidence)))
        names = [AppointmentId(row.id) for row in await self._connection.execute(known)]
        evidence = {name: evidence[name] for name in names}
        for table in (quality, participant_quality, break_counts):
            await self._connection.execute(delete(table).where(table.c.appointment.in_(names)))
        await self._insert(quality, [_row(name, one) for name, one in evidence.items()])
        people = [_person_row(name, *each) for name, one in evidence.items() for each in one.people.items()]
        await self._insert(participant_quality, people)
        counts = [_count_row(name, *each) for name, one in evidence.items() for each in one.break_counts.items()]
        await self._insert(break_counts, counts)
        still_open = media_breaks.c.appointment.in_(names) & media_breaks.c.ended_at.is_(None)
        await self._connection.execute(delete(media_breaks).where(still_open))
        breaks = [
            _break_row(name, number, each)
            for name, one in evidence.items()
            for number, each in enumerate(one.breaks)
            if number not in written[name]
        ]
        await self._insert(media_breaks, breaks)

    async def _insert(self, table: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            await self._connection.execute(insert(table), rows)


def _row(appointment: AppointmentId, evidence: Evidence) -> dict[str, Any]:
    return {
        "appointment": appointment,
        "counted_until": evidence.counted_until,
        "two_way_sound": evidence.two_way_sound,
        "two_way_picture": evidence.two_way_picture,
        "unobserved": evidence.unobserved,
        "breaks_left_out": evidence.breaks_left_out,
        "finished": evidence.finished,
    }


def _person_row(appointment: AppointmentId, participant: ParticipantId, time: PersonTime) -> dict[str, Any]:
    return {
        "appointment": appointment,
        "participant": participant,
        "live": time.live,
        "unstable": time.unstable,
        "gone": time.gone,
    }


def _count_row(appointment: AppointmentId, of: tuple[ParticipantId, BreakCause], count: int) -> dict[str, Any]:
    participant, cause = of
    return {"appointment": appointment, "participant": participant, "cause": cause.value, "breaks": count}


def _break_row(appointment: AppointmentId, number: int, one: Break) -> dict[str, Any]:
    return {
        "appointment": appointment,
        "number": number,
        "participant": one.participant,
        "cause": one.cause.value,
        "began_at": one.began_at,
        "ended_at": one.ended_at,
    }
