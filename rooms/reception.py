"""Looks an appointment up and says who may come in: the one way from storage to a verdict."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from contract.clock import Clock
from contract.ids import AppointmentId, ParticipantId, SessionId
from rooms.admission import Entry, LinkState, Verdict, admit
from rooms.messages import SeatLostReason, VerdictCode, VerdictView
from rooms.model import DeviceSession, InvitationStatus, Link, Participant
from rooms.storage.store import Store, Transaction
from rooms.verdict_view import Scene, view_of_unknown_link, view_verdict

LINK_LIFETIME = timedelta(days=30)
"""After the end of the appointment; a reschedule prolongs it."""


class Presence(Protocol):
    """What the live rooms know."""

    def practitioner_present(self, appointment: AppointmentId) -> bool: ...

    def inside_elsewhere(self, participant: ParticipantId, session: SessionId) -> bool:
        """Whether another device of the participant holds the seat just now."""
        ...


@dataclass(frozen=True, slots=True)
class Facts(Scene):
    """All that is stored about one appointment, read in one go."""

    consents: dict[ParticipantId, frozenset[str]]
    links: tuple[Link, ...]
    sessions: dict[SessionId, DeviceSession]

    def participant(self, participant: ParticipantId) -> Participant | None:
        return next((person for person in self.participants if person.id == participant), None)

    def link_state(self, participant: ParticipantId, generation: int) -> LinkState:
        for link in self.links:
            if link.participant == participant and link.generation == generation:
                return LinkState.REVOKED if link.revoked else LinkState.VALID
        return LinkState.UNKNOWN

    def seat_reason(self, participant: ParticipantId, session: SessionId | None) -> SeatLostReason | None:
        """Why somebody who is inside may not stay, however live the consultation is; None: they may.

        `session` None: a seat kept from before a restart, of whichever of their devices.
        """
        person = self.participant(participant)
        if person is None or person.invitation is InvitationStatus.WITHDRAWN:
            return SeatLostReason.NOT_INVITED
        devices = [
            device
            for device in self.sessions.values()
            if device.participant == participant and session in {None, device.id}
        ]
        states = {self.link_state(participant, device.link_generation) for device in devices}
        return SeatLostReason.LINK_REVOKED if states == {LinkState.REVOKED} else None

    @property
    def links_expire_at(self) -> datetime:
        return self.appointment.ends_at + LINK_LIFETIME


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    view: VerdictView

    @property
    def code(self) -> VerdictCode:
        return self.verdict.code


async def read_facts(transaction: Transaction, appointment: AppointmentId) -> Facts | None:
    stored = await transaction.appointments.get(appointment)
    if stored is None:
        return None
    record = await transaction.clinics.get(stored.clinic)
    if record is None:
        return None
    sessions = await transaction.sessions.of_appointment(appointment)
    return Facts(
        clinic=record.clinic,
        policy=record.policy,
        appointment=stored,
        participants=await transaction.participants.of_appointment(appointment),
        consents=await transaction.consents.of_appointment(appointment),
        links=tuple(await transaction.links.of_appointment(appointment)),
        sessions={session.id: session for session in sessions},
    )


class Reception:
    def __init__(self, store: Store, presence: Presence, clock: Clock) -> None:
        self._store = store
        self._presence = presence
        self._clock = clock

    async def facts(self, appointment: AppointmentId) -> Facts | None:
        async with self._store.read() as transaction:
            return await read_facts(transaction, appointment)

    def judge(self, facts: Facts | None, participant: ParticipantId, session: SessionId) -> Judgement:
        """The verdict for one device now."""
        now = self._clock.now()
        person = None if facts is None else facts.participant(participant)
        if facts is None or person is None:
            return Judgement(Verdict(VerdictCode.LINK_INVALID), view_of_unknown_link(now))
        device = facts.sessions.get(session)
        consents = facts.consents.get(participant, frozenset())
        entry = Entry()
        if device is not None and now < device.expires_at and now < facts.links_expire_at:
            entry = Entry(
                link=facts.link_state(participant, device.link_generation),
                assurance=device.assurance,
                consents=consents,
                practitioner_present=self._presence.practitioner_present(facts.appointment.id),
            )
        verdict = admit(facts.appointment, person, entry, now, facts.policy)
        elsewhere = self._presence.inside_elsewhere(participant, session)
        return Judgement(verdict, view_verdict(verdict, facts, person, consents, now, elsewhere))
