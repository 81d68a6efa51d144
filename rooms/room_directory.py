"""All live rooms of this process: presence, broadcasting, and the news from the media server."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from contract.ids import AppointmentId, ParticipantId, PeerId, RoomId, SessionId
from rooms.live_room import Events, LiveRoom, visible_to
from rooms.messages import ConnectionState, Event, MediaLost, MediaWanted, SlotsChanged, SlotView
from rooms.outbox import Outbox
from rooms.quality.evidence import BreakCause
from rooms.reception import Facts
from rooms.roles import Role
from rooms.seat import Seat

SEAT_KEPT_SECONDS = 120.0


class RoomDirectory:
    """Is the `Presence` of admission and the `MediaListener` of the media port.

    `seat_expired` is called when a seat was abandoned for `seat_kept_seconds`; `room_changed` after every change, and
    what it returns is told too.
    """

    def __init__(
        self,
        outbox: Outbox,
        seat_expired: Callable[[AppointmentId, ParticipantId], None],
        room_changed: Callable[[LiveRoom, BreakCause | None], Events],
        seat_kept_seconds: float = SEAT_KEPT_SECONDS,
    ) -> None:
        self._outbox = outbox
        self._room_changed = room_changed
        self._seat_expired = seat_expired
        self._seat_kept_seconds = seat_kept_seconds
        self._rooms: dict[AppointmentId, LiveRoom] = {}
        self._seated_in: dict[ParticipantId, AppointmentId] = {}
        self._timers: dict[ParticipantId, asyncio.TimerHandle] = {}

    def get(self, appointment: AppointmentId) -> LiveRoom | None:
        return self._rooms.get(appointment)

    def open(self, facts: Facts) -> LiveRoom:
        """The live room, made when it is not there. Freed again by `settle` when nobody sits in it."""
        room = self._rooms.get(facts.appointment.id)
        if room is None:
            room = LiveRoom(facts.appointment.id, facts.appointment.started_at)
            room.invite(facts.participants)
            self._rooms[facts.appointment.id] = room
        return room

    @property
    def live_rooms(self) -> int:
        return len(self._rooms)

    @property
    def people_inside(self) -> int:
        return len(self._seated_in)

    # Presence

    def practitioner_present(self, appointment: AppointmentId) -> bool:
        room = self._rooms.get(appointment)
        return room is not None and Role.PRACTITIONER in room.seated_roles()

    def inside_elsewhere(self, participant: ParticipantId, session: SessionId) -> bool:
        room = self._rooms.get(self._seated_in.get(participant, AppointmentId("")))
        seat = None if room is None else room.seat(participant)
        return seat is not None and seat.connection is not None and seat.session != session

    # Telling

    def publish(
        self,
        room: LiveRoom,
        events: Events,
        without: ParticipantId | None = None,
        cause: BreakCause | None = None,
    ) -> None:
        """Tells everybody in the room, and keeps timers and the list of rooms in step with the seats. `cause`: why
        somebody may not be live any more, when that is known."""
        self.broadcast(room, events, without)
        self._settle(room)
        self.broadcast(room, self._room_changed(room, cause))

    def broadcast(self, room: LiveRoom, events: Events, without: ParticipantId | None = None) -> None:
        """Tells everybody in the room what changes nothing in it."""
        for participant, seat in room.seats().items():
            if seat.connection is None or participant == without:
                continue
            for event in events:
                self._outbox.send(seat.connection, visible_to(room.role(participant), event))

    def tell(self, seat: Seat, event: Event) -> None:
        """Tells only the one who sits here."""
        if seat.connection is not None:
            self._outbox.send(seat.connection, event)

    def _settle(self, room: LiveRoom) -> None:
        seats = room.seats()
        for participant in [one for one, where in self._seated_in.items() if where == room.appointment]:
            if participant not in seats:
                del self._seated_in[participant]
                self._stop_timer(participant)
        for participant, seat in seats.items():
            self._seated_in[participant] = room.appointment
            if not seat.abandoned:
                self._stop_timer(participant)
            elif participant not in self._timers:
                self._start_timer(room.appointment, participant)
        if room.empty:
            self._rooms.pop(room.appointment, None)

    def _start_timer(self, appointment: AppointmentId, participant: ParticipantId) -> None:
        loop = asyncio.get_running_loop()

        def expire() -> None:
            self._timers.pop(participant, None)
            self._seat_expired(appointment, participant)

        self._timers[participant] = loop.call_later(self._seat_kept_seconds, expire)

    def _stop_timer(self, participant: ParticipantId) -> None:
        timer = self._timers.pop(participant, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        for participant in list(self._timers):
            self._stop_timer(participant)
        self._rooms.clear()
        self._seated_in.clear()

    # News from the media server

    def peer_state_changed(self, room: RoomId, peer: PeerId, state: ConnectionState) -> None:
        live, seat = self._find(room, peer)
        if live is None or seat is None or (seat.transport is None and not seat.abandoned):
            return
        transport = ConnectionState.GONE if state is ConnectionState.ABSENT else state
        self.publish(live, live.change_seat(ParticipantId(peer), replace(seat, transport=transport)))

    def slots_changed(self, room: RoomId, peer: PeerId, slots: tuple[SlotView, ...], missing: int) -> None:
        live, seat = self._find(room, peer)
        if live is None or seat is None:
            return
        live.change_seat(ParticipantId(peer), replace(seat, slots=slots, missing_slots=missing))
        self.tell(seat, SlotsChanged(slots=slots, missing_slots=missing))

    def wanted_changed(self, room: RoomId, peer: PeerId, wanted: MediaWanted) -> None:
        """Before the seat is taken nobody is told: who joins is told what is wanted by then."""
        _, seat = self._find(room, peer)
        if seat is not None:
            self.tell(seat, wanted)

    def worker_lost(self, rooms: frozenset[RoomId]) -> None:
        for room in rooms:
            live = self._rooms.get(AppointmentId(room))
            if live is None:
                continue
            for participant, seat in live.seats().items():
                if seat.transport is None:
                    continue
                lost = replace(seat, transport=ConnectionState.CONNECTING, slots=(), missing_slots=0)
                self.publish(live, live.change_seat(participant, lost), cause=BreakCause.WORKER_LOST)
                self.tell(seat, MediaLost())

    def _find(self, room: RoomId, peer: PeerId) -> tuple[LiveRoom | None, Seat | None]:
        live = self._rooms.get(AppointmentId(room))
        return live, None if live is None else live.seat(ParticipantId(peer))
