"""The live room of one appointment: who sits in it, and the numbered events that tell every change.

Every change is synchronous and returns its events, so taking a snapshot and subscribing can't be torn apart.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import msgspec

from contract.ids import AppointmentId, ConnectionId, ParticipantId
from rooms.messages import (
    DeviceState,
    Event,
    MediaState,
    ParticipantChanged,
    ParticipantView,
    RoomChanged,
    RoomNotice,
    RoomSnapshot,
)
from rooms.model import InvitationStatus, Participant
from rooms.quality.evidence import Present
from rooms.roles import STAFF_ROLES, Assurance, Role
from rooms.seat import Seat, connection_state
from rooms.verdict_view import view_person

_NO_MEDIA = MediaState(microphone=DeviceState.OFF, camera=DeviceState.OFF)

Events = tuple[Event, ...]


class LiveRoom:
    def __init__(self, appointment: AppointmentId, started_at: datetime | None) -> None:
        self.appointment = appointment
        self._version = 0
        self._started_at = started_at
        self._notice: RoomNotice | None = None
        self._finished = False
        self._screen: ParticipantId | None = None
        self._people: dict[ParticipantId, Participant] = {}
        self._seats: dict[ParticipantId, Seat] = {}
        self._views: dict[ParticipantId, ParticipantView] = {}

    # What is

    def snapshot(self, role: Role) -> RoomSnapshot:
        """The whole room as somebody of this role may see it."""
        return RoomSnapshot(
            version=self._version,
            room=self.appointment,
            started_at=self._started_at,
            participants=tuple(self._views.values()),
            notice=self._notice if role in STAFF_ROLES else None,
            finished=self._finished,
            screen=self._screen,
        )

    @property
    def screen(self) -> ParticipantId | None:
        """Who shares a screen."""
        return self._screen

    def seat(self, participant: ParticipantId) -> Seat | None:
        return self._seats.get(participant)

    def seats(self) -> dict[ParticipantId, Seat]:
        return dict(self._seats)

    def role(self, participant: ParticipantId) -> Role:
        return self._people[participant].role

    def seated_roles(self) -> frozenset[Role]:
        return frozenset(self._people[participant].role for participant in self._seats)

    def present(self) -> dict[ParticipantId, Present]:
        """Everybody once invited, as the others are told."""
        return {
            participant: Present(
                person.role,
                connection_state(seat := self._seats.get(participant)),
                with_media=seat is not None and seat.transport is not None,
            )
            for participant, person in self._people.items()
        }

    @property
    def empty(self) -> bool:
        return not self._seats

    @property
    def started(self) -> bool:
        return self._started_at is not None

    @property
    def finished(self) -> bool:
        return self._finished

    # What happens

    def invite(self, people: Iterable[Participant]) -> Events:
        """Brings the list of people up to date. Whoever was once listed stays so for the room's life."""
        events: list[Event] = []
        for person in people:
            if person.invitation is not InvitationStatus.INVITED and person.id not in self._people:
                continue
            self._people[person.id] = person
            events += self._tell(person.id)
        return tuple(events)

    def take_seat(self, participant: ParticipantId, seat: Seat) -> Events:
        """Puts an invited participant on their seat, in place of the one they may hold already."""
        self._seats[participant] = seat
        return self._tell(participant)

    def change_seat(self, participant: ParticipantId, seat: Seat) -> Events:
        """Changes a seat that is held; nothing happens to one that was given up meanwhile."""
        if participant not in self._seats:
            return ()
        return self.take_seat(participant, seat)

    def give_up_seat(self, participant: ParticipantId) -> Events:
        if self._seats.pop(participant, None) is None:
            return ()
        stopped = self.share_screen(None) if self._screen == participant else ()
        return stopped + self._tell(participant)

    def lose_connection(self, participant: ParticipantId, connection: ConnectionId) -> Events:
        """The socket is gone; the seat stays. A connection that does not hold the seat changes nothing."""
        seat = self._seats.get(participant)
        if seat is None or seat.connection != connection:
            return ()
        return self.take_seat(participant, replace(seat, connection=None))

    def start(self, at: datetime) -> Events:
        """The consultation begins; only once."""
        if self._started_at is not None:
            return ()
        self._started_at = at
        return self._tell_room()

    def note(self, notice: RoomNotice | None) -> Events:
        if self._notice is notice:
            return ()
        self._notice = notice
        return self._tell_room()

    def share_screen(self, participant: ParticipantId | None) -> Events:
        """Who shares a screen from now on; only who sits here can."""
        if self._screen == participant or (participant is not None and participant not in self._seats):
            return ()
        self._screen = participant
        return self._tell_room()

    def finish(self) -> Events:
        """The consultation is over. Everybody is told, then all seats are given up."""
        if self._finished:
            return ()
        self._finished = True
        return self._tell_room()

    def _tell(self, participant: ParticipantId) -> Events:
        seat = self._seats.get(participant)
        view = ParticipantView(
            person=view_person(self._people[participant]),
            assurance=Assurance.LINK if seat is None else seat.assurance,
            connection=connection_state(seat),
            media=_NO_MEDIA if seat is None else seat.media,
        )
        if self._views.get(participant) == view:
            return ()
        self._version += 1
        self._views[participant] = view
        return (ParticipantChanged(version=self._version, participant=view),)

    def _tell_room(self) -> Events:
        self._version += 1
        return (
            RoomChanged(
                version=self._version,
                started_at=self._started_at,
                notice=self._notice,
                finished=self._finished,
                screen=self._screen,
            ),
        )


def visible_to(role: Role, event: Event) -> Event:
    """The event as somebody of this role may see it: notices are for staff."""
    if isinstance(event, RoomChanged) and role not in STAFF_ROLES:
        return msgspec.structs.replace(event, notice=None)
    return event
