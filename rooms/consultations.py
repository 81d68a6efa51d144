"""The domain's commands: everything a connected person can do, one method a command."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace

import structlog

from contract.clock import Clock
from contract.errors import AccessError, ConflictError, ErrorCode, InputError
from contract.ids import AppointmentId, ParticipantId, PeerId, RoomId, SessionId
from rooms.encounter import EncounterLog
from rooms.entry import Entrance, NotAdmitted
from rooms.ice_servers import ENTITLED, IceServerSource, NoIceServers
from rooms.keyed_lock import KeyedLock
from rooms.live_room import Events, LiveRoom
from rooms.lobby import Lobby
from rooms.media_port import MediaPort, free_media
from rooms.messages import (
    AcceptConsent,
    AskIceServers,
    CheckAdmission,
    ConnectionState,
    Done,
    FinishConsultation,
    IceServers,
    JoinResult,
    JoinRoom,
    LeaveReason,
    LeaveRoom,
    MediaAnswer,
    OfferMedia,
    PaymentReturned,
    RemoveParticipant,
    RoomNotice,
    SeatLost,
    SeatLostReason,
    SetMediaState,
    ShareScreen,
    StopScreen,
    VerdictCode,
    VerdictView,
    ViewMedia,
)
from rooms.model import Appointment, AppointmentStatus, PaymentStatus
from rooms.outbox import Caller, Outbox
from rooms.quality.evidence import BreakCause
from rooms.quality.watch import QualityWatch
from rooms.reception import Facts, Reception
from rooms.roles import Role
from rooms.room_directory import SEAT_KEPT_SECONDS, RoomDirectory
from rooms.seat import UNKNOWN_MEDIA, Seat
from rooms.storage.store import Store

__all__ = ["Consultations", "NotAdmitted"]

_CAUSES = {
    LeaveReason.LEFT: BreakCause.LEFT,
    LeaveReason.LOST: BreakCause.NETWORK,
    LeaveReason.REMOVED: BreakCause.REMOVED,
    LeaveReason.SHUT_OUT: BreakCause.SHUT_OUT,
}

_log = structlog.get_logger()


class Consultations:
    """Commands raise only `KonsiliumError`s. Events go out through the outbox.

    Commands that change who sits where hold the appointment's lock; everything else is synchronous.
    """

    def __init__(
        self,
        store: Store,
        media: MediaPort,
        outbox: Outbox,
        clock: Clock,
        seat_kept_seconds: float = SEAT_KEPT_SECONDS,
        ice_servers: IceServerSource | None = None,
    ) -> None:
        self._store = store
        self._media = media
        self._ice_servers = ice_servers or NoIceServers()
        self.quality = QualityWatch(store, media, clock, self._tell_room)
        self._directory = RoomDirectory(outbox, self._seat_expired, self.quality.room_changed, seat_kept_seconds)
        self.reception = Reception(store, self._directory, clock)
        self._lobby = Lobby(self.reception, outbox, clock, self._joined)
        self._encounter = EncounterLog(store, clock)
        self._entrance = Entrance(self._directory, self._lobby, self._encounter, media)
        self.draining = False
        """No room is opened that is not live, or whose consultation is not under way."""
        self._locks = KeyedLock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop_listening: Callable[[], None] = media.listen(self._directory)

    async def restore(self) -> None:
        """Takes up what a stopped server left: seats of consultations in progress are kept for those who come back.

        Media of whoever has no seat are freed: that server may have been stopped before it could.
        """
        async with self._store.read() as transaction:
            appointments = await transaction.appointments.in_progress()
        for appointment in appointments:
            facts = await self.reception.facts(appointment.id)
            seated = [] if facts is None else [person for person in facts.participants if person.seated]
            if facts is None or not seated:
                continue
            async with self.quality.prepared(appointment.id):
                room = self._directory.open(facts)
                events = room.note(notice_of(appointment))
                for person in seated:
                    living = self._media.state_of(RoomId(appointment.id), PeerId(person.id))
                    seat = Seat(None, None, UNKNOWN_MEDIA, facts.policy.assurance_minimum, living)
                    events += room.take_seat(person.id, seat)
                self._directory.publish(room, events)
        await self._free_media_without_seats()

    async def _free_media_without_seats(self) -> None:
        for place, peer in self._media.peers():
            appointment, participant = AppointmentId(place), ParticipantId(peer)
            room = self._directory.get(appointment)
            if room is None or room.seat(participant) is None:
                await free_media(self._media, appointment, participant)

    async def close(self) -> None:
        """Stops timers and tasks. Seats stay stored, so that a restarted server expects people back."""
        self._stop_listening()
        self._directory.close()
        await self._lobby.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Coming and going of sockets

    async def connect(self, caller: Caller) -> VerdictView:
        """A socket connected: it waits in the lobby and is told of every change of its verdict."""
        self._lobby.enter(caller)
        return (await self._lobby.judge(caller)).view

    async def disconnect(self, caller: Caller) -> None:
        """A socket is gone: the lobby forgets it; its seat is kept for a while."""
        self._lobby.leave(caller)
        room = self._directory.get(caller.appointment)
        if room is not None:
            self._directory.publish(room, room.lose_connection(caller.participant, caller.connection))
            self._refresh_soon(caller.appointment)

    # Commands

    async def check_admission(self, caller: Caller, command: CheckAdmission) -> VerdictView:
        return (await self._lobby.judge(caller)).view

    async def accept_consent(self, caller: Caller, command: AcceptConsent) -> VerdictView:
        """Raises `ConflictError(CONFLICT)` when the text has another version by now."""
        view = (await self._lobby.judge(caller)).view
        if view.consent is None or view.consent.version != command.version:
            raise ConflictError(ErrorCode.CONFLICT, "this is not the version of the text that is asked for")
        await self._encounter.consent(caller, command.version)
        await self._lobby.refresh(caller.appointment)
        return (await self._lobby.judge(caller)).view

    async def payment_returned(self, caller: Caller, command: PaymentReturned) -> VerdictView:
        """Changes something only for those whom the missing payment keeps out."""
        judgement = await self._lobby.judge(caller)
        if judgement.code is VerdictCode.PAYMENT_REQUIRED and await self._encounter.payment_returned(caller):
            await self._lobby.refresh(caller.appointment)
            judgement = await self._lobby.judge(caller)
        return judgement.view

    async def media_servers(self, caller: Caller, command: AskIceServers) -> IceServers:
        """Raises `NotAdmitted` for those who are neither admitted nor waiting for the practitioner."""
        judgement = await self._lobby.judge(caller)
        if judgement.code not in ENTITLED:
            raise NotAdmitted(judgement.view)
        return self._ice_servers.issue(caller.participant)

    async def join(self, caller: Caller, command: JoinRoom) -> JoinResult:
        """Raises `NotAdmitted`, `ConflictError(ALREADY_INSIDE)`, or what `MediaPort.offer` raises."""
        async with self._locks.hold(caller.appointment), self.quality.prepared(caller.appointment):
            result = await self._entrance.join(caller, command, draining=self.draining)
            room = self._directory.get(caller.appointment)
            seat = None if room is None else room.seat(caller.participant)
            if seat is not None:
                for event in self.quality.told(caller.appointment):
                    self._directory.tell(seat, event)
        self._refresh_soon(caller.appointment)
        return result

    async def leave(self, caller: Caller, command: LeaveRoom) -> Done:
        async with self._locks.hold(caller.appointment):
            self._room_and_seat(caller)
            await self._give_up(caller.appointment, caller.participant, LeaveReason.LEFT)
        await self._lobby.refresh(caller.appointment)
        return Done()

    async def offer_media(self, caller: Caller, command: OfferMedia) -> MediaAnswer:
        async with self._locks.hold(caller.appointment):
            self._room_and_seat(caller)
            offer = command.offer
            answer = await self._media.offer(RoomId(caller.appointment), PeerId(caller.participant), offer)
            # While the offer was under way the seat may have changed: look again.
            room = self._directory.get(caller.appointment)
            seat = None if room is None else room.seat(caller.participant)
            if room is not None and seat is not None:
                renewed = seat.media_connection != offer.connection or seat.transport is None
                changed = replace(
                    seat,
                    transport=ConnectionState.CONNECTING if renewed else seat.transport,
                    media_connection=offer.connection,
                    slots=answer.slots,
                    missing_slots=answer.missing_slots,
                )
                self._directory.publish(room, room.change_seat(caller.participant, changed))
            return answer

    async def set_media_state(self, caller: Caller, command: SetMediaState) -> Done:
        room, seat = self._room_and_seat(caller)
        changed = replace(seat, media=command.media)
        self._directory.publish(room, room.change_seat(caller.participant, changed))
        return Done()

    async def view_media(self, caller: Caller, command: ViewMedia) -> Done:
        self._room_and_seat(caller)
        await self._media.view(RoomId(caller.appointment), PeerId(caller.participant), command.tiles)
        return Done()

    async def share_screen(self, caller: Caller, command: ShareScreen) -> Done:
        """Raises `ConflictError(SCREEN_IN_USE)`."""
        async with self._locks.hold(caller.appointment):
            room, _ = self._room_and_seat(caller)
            self._require_screen(caller, room)
            await self._media.share_screen(RoomId(caller.appointment), PeerId(caller.participant))
            self._directory.publish(room, room.share_screen(caller.participant))
            return Done()

    async def stop_screen(self, caller: Caller, command: StopScreen) -> Done:
        """Raises `ConflictError(SCREEN_IN_USE)`."""
        async with self._locks.hold(caller.appointment):
            room, _ = self._room_and_seat(caller)
            self._require_screen(caller, room)
            if room.screen is not None:
                await self._media.share_screen(RoomId(caller.appointment), None)
                self._directory.publish(room, room.share_screen(None))
            return Done()

    async def finish(self, caller: Caller, command: FinishConsultation) -> Done:
        async with self._locks.hold(caller.appointment):
            self._require_practitioner(caller)
            room, _ = self._room_and_seat(caller)
            await self._encounter.finish(caller)
            seated = list(room.seats())
            self._directory.publish(room, room.finish())
            for participant in seated:
                room.give_up_seat(participant)
            self._directory.publish(room, ())
            for participant in seated:
                await free_media(self._media, caller.appointment, participant)
        await self._lobby.refresh(caller.appointment)
        return Done()

    async def remove_participant(self, caller: Caller, command: RemoveParticipant) -> Done:
        async with self._locks.hold(caller.appointment):
            self._require_practitioner(caller)
            room, _ = self._room_and_seat(caller)
            participant = ParticipantId(command.participant)
            if participant == caller.participant:
                raise InputError(ErrorCode.BAD_MESSAGE, "nobody can remove themselves")
            await self._encounter.remove(caller, participant)
            seat = room.seat(participant)
            self._directory.publish(room, room.give_up_seat(participant), cause=BreakCause.REMOVED)
            if seat is not None:
                self._directory.tell(seat, SeatLost(reason=SeatLostReason.REMOVED))
                await free_media(self._media, caller.appointment, participant)
        await self._lobby.refresh(caller.appointment)
        return Done()

    # From outside

    async def appointment_changed(self, appointment: AppointmentId) -> None:
        """An appointment was changed from outside (after commit): verdicts and notices are told anew, and who is no
        longer invited, or came by a link that was revoked, loses the seat."""
        async with self._locks.hold(appointment):
            facts = await self.reception.facts(appointment)
            room = self._directory.get(appointment)
            if room is not None and facts is not None:
                events = room.invite(facts.participants) + room.note(notice_of(facts.appointment))
                self._directory.publish(room, events)
                await self._shut_out(room, facts)
        await self._lobby.refresh(appointment)

    async def device_forgotten(
        self, appointment: AppointmentId, participant: ParticipantId, session: SessionId
    ) -> None:
        """A device's session has ended (after commit): a seat that it holds is given up at once, its media too.

        So is a seat kept from before a restart, which may be this device's; another one comes back by itself.
        """
        async with self._locks.hold(appointment):
            room = self._directory.get(appointment)
            seat = None if room is None else room.seat(participant)
            if seat is not None and seat.session in {session, None}:
                await self._give_up(appointment, participant, LeaveReason.LEFT)
        await self._lobby.refresh(appointment)

    async def clock_moved(self) -> None:
        """The injected clock jumped (demo only): every verdict is looked at anew."""
        await self._lobby.refresh_all()

    # For the operator

    @property
    def live_rooms(self) -> int:
        return self._directory.live_rooms

    @property
    def people_inside(self) -> int:
        return self._directory.people_inside

    # Seats

    def _tell_room(self, appointment: AppointmentId, events: Events) -> None:
        room = self._directory.get(appointment)
        if room is not None:
            self._directory.broadcast(room, events)

    def _joined(self, caller: Caller) -> bool:
        room = self._directory.get(caller.appointment)
        seat = None if room is None else room.seat(caller.participant)
        return seat is not None and seat.connection == caller.connection

    def _room_and_seat(self, caller: Caller) -> tuple[LiveRoom, Seat]:
        room = self._directory.get(caller.appointment)
        seat = None if room is None else room.seat(caller.participant)
        if room is None or seat is None or seat.connection != caller.connection:
            raise ConflictError(ErrorCode.NOT_IN_ROOM, "this connection does not hold the seat")
        return room, seat

    @staticmethod
    def _require_practitioner(caller: Caller) -> None:
        if caller.role is not Role.PRACTITIONER:
            raise AccessError(ErrorCode.FORBIDDEN, "only a practitioner may do this")

    @staticmethod
    def _require_screen(caller: Caller, room: LiveRoom) -> None:
        if room.screen not in {None, caller.participant} and caller.role is not Role.PRACTITIONER:
            raise ConflictError(ErrorCode.SCREEN_IN_USE, "somebody else shares a screen")

    async def _give_up(self, appointment: AppointmentId, participant: ParticipantId, why: LeaveReason) -> None:
        """Frees a seat; call it with the appointment's lock held."""
        room = self._directory.get(appointment)
        if room is None or room.seat(participant) is None:
            return
        await self._encounter.exit(appointment, participant, why.value, emptied=len(room.seats()) == 1)
        self._directory.publish(room, room.give_up_seat(participant), cause=_CAUSES[why])
        await free_media(self._media, appointment, participant)

    async def _shut_out(self, room: LiveRoom, facts: Facts) -> None:
        for participant, seat in room.seats().items():
            reason = facts.seat_reason(participant, seat.session)
            if reason is not None:
                await self._give_up(room.appointment, participant, LeaveReason.SHUT_OUT)
                self._directory.tell(seat, SeatLost(reason=reason))

    def _seat_expired(self, appointment: AppointmentId, participant: ParticipantId) -> None:
        self._spawn(self._expire(appointment, participant))

    async def _expire(self, appointment: AppointmentId, participant: ParticipantId) -> None:
        async with self._locks.hold(appointment):
            room = self._directory.get(appointment)
            seat = None if room is None else room.seat(participant)
            if room is not None and seat is not None and seat.abandoned:
                try:
                    await self._give_up(appointment, participant, LeaveReason.LOST)
                finally:
                    # What could not be stored leaves the seat where it is: its time runs anew.
                    self._directory.publish(room, ())
        await self._lobby.refresh(appointment)

    def _refresh_soon(self, appointment: AppointmentId) -> None:
        self._spawn(self._lobby.refresh(appointment))

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("consultation_task_failed", error=type(task.exception()).__name__)


def notice_of(appointment: Appointment) -> RoomNotice | None:
    """What staff in a live room should know of the appointment."""
    if appointment.status is AppointmentStatus.CANCELLED:
        return RoomNotice.CANCELLED
    if appointment.payment.status is PaymentStatus.REFUNDED:
        return RoomNotice.PAYMENT_REFUNDED
    return None
