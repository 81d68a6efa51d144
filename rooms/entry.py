"""Taking a seat: the verdict, the other device, the media, the record, and last the seat itself."""

from dataclasses import dataclass, replace

from contract.errors import AccessError, ConflictError, ErrorCode, UnavailableError
from contract.ids import PeerId, RoomId
from rooms.encounter import EncounterLog
from rooms.live_room import Events, LiveRoom
from rooms.lobby import Lobby
from rooms.media_port import LivingMedia, MediaPort, free_media
from rooms.messages import (
    ConnectionState,
    JoinResult,
    JoinRoom,
    MediaAnswer,
    MediaLost,
    SeatLost,
    SeatLostReason,
    SlotsChanged,
    VerdictCode,
    VerdictView,
)
from rooms.model import EncounterStatus
from rooms.outbox import Caller
from rooms.quality.evidence import BreakCause
from rooms.reception import Facts
from rooms.roles import Assurance, Role
from rooms.room_directory import RoomDirectory
from rooms.seat import Seat


class NotAdmitted(AccessError):
    """The person may not come in just now; `verdict` says why, and what to do."""

    def __init__(self, verdict: VerdictView) -> None:
        super().__init__(ErrorCode.NOT_ADMITTED, verdict.code.value)
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class _Media:
    answer: MediaAnswer | None = None
    resumed: bool = False
    connection: str = ""


class Entrance:
    def __init__(
        self,
        directory: RoomDirectory,
        lobby: Lobby,
        encounter: EncounterLog,
        media: MediaPort,
    ) -> None:
        self._directory = directory
        self._lobby = lobby
        self._encounter = encounter
        self._media = media

    async def join(self, caller: Caller, command: JoinRoom, *, draining: bool = False) -> JoinResult:
        """Call it with the appointment's lock held. When it raises, nobody in the room has noticed anything.

        `draining`: no room is opened that is not live and whose consultation has not begun.
        """
        facts = await self._admitted(caller)
        begun = facts.appointment.encounter is EncounterStatus.IN_PROGRESS
        if draining and not begun and self._directory.get(caller.appointment) is None:
            raise UnavailableError(ErrorCode.DRAINING, "this server takes no new rooms just now; try again in a while")
        self._require_free_seat(caller, command)
        media = await self._connect_media(caller, command)
        try:
            started_at = await self._encounter.enter(caller, starts=self._starts(caller))
        except BaseException:
            if media.answer is not None:
                await self._give_back_media(caller)
            raise
        # From here to the return nothing waits: snapshot and subscription belong together.
        room = self._directory.open(facts)
        before = room.seat(caller.participant)
        living = self._living(caller, media)
        seat = self._seat(caller, command, facts, media, living)
        events = room.take_seat(caller.participant, seat)
        if living is not None and living.shares_screen:
            events += room.share_screen(caller.participant)
        if started_at is not None:
            events += room.start(started_at)
        self._tell_others(room, caller, before, events)
        if not self._lobby.holds(caller):
            # The socket was lost on the way: the seat is kept like any other.
            self._directory.publish(room, room.lose_connection(caller.participant, caller.connection))
        self._tell_media(seat, media, living)
        return JoinResult(
            snapshot=room.snapshot(caller.role),
            me=caller.participant,
            answer=media.answer,
            media_resumed=media.resumed,
        )

    async def _admitted(self, caller: Caller) -> Facts:
        facts, judgement = await self._lobby.look_up(caller)
        if judgement.code is VerdictCode.WAITING_FOR_PRACTITIONER:
            await self._encounter.arrive(caller)
            facts, judgement = await self._lobby.look_up(caller)
        if judgement.code is not VerdictCode.ADMITTED or facts is None:
            raise NotAdmitted(judgement.view)
        return facts

    def _require_free_seat(self, caller: Caller, command: JoinRoom) -> None:
        """The same device (a reload, a second tab) replaces itself without being asked."""
        if not command.take_over and self._directory.inside_elsewhere(caller.participant, caller.session):
            raise ConflictError(ErrorCode.ALREADY_INSIDE, "another device is inside; take over to enter here")

    async def _connect_media(self, caller: Caller, command: JoinRoom) -> _Media:
        room, peer = RoomId(caller.appointment), PeerId(caller.participant)
        if command.resume is not None and self._media.resume(room, peer, command.resume) is not None:
            return _Media(resumed=True, connection=command.resume)
        if command.offer is None:
            await self._media.disconnect(room, peer)
            return _Media()
        return _Media(await self._media.offer(room, peer, command.offer), connection=command.offer.connection)

    async def _give_back_media(self, caller: Caller) -> None:
        """A transport that nobody will use; it had taken the place of the one of the seat that is held, if any."""
        await free_media(self._media, caller.appointment, caller.participant)
        room = self._directory.get(caller.appointment)
        seat = None if room is None else room.seat(caller.participant)
        if room is not None and seat is not None and seat.transport is not None:
            lost = replace(seat, transport=ConnectionState.CONNECTING, slots=(), missing_slots=0)
            self._directory.publish(room, room.change_seat(caller.participant, lost))
            self._directory.tell(seat, MediaLost())

    def _starts(self, caller: Caller) -> bool:
        """Whether practitioner and patient are together once this person is in."""
        room = self._directory.get(caller.appointment)
        roles = frozenset({caller.role}) if room is None else room.seated_roles() | {caller.role}
        return {Role.PRACTITIONER, Role.PATIENT} <= roles

    def _living(self, caller: Caller, media: _Media) -> LivingMedia | None:
        """Looked at again: while the record was written it may have changed, and nobody sat there to be told."""
        if not media.connection:
            return None
        return self._media.resume(RoomId(caller.appointment), PeerId(caller.participant), media.connection)

    def _seat(self, caller: Caller, command: JoinRoom, facts: Facts, media: _Media, living: LivingMedia | None) -> Seat:
        device = facts.sessions.get(caller.session)
        seat = Seat(
            connection=caller.connection,
            session=caller.session,
            media=command.media,
            assurance=Assurance.LINK if device is None else device.assurance,
            media_connection=media.connection,
        )
        if not media.connection:
            return seat
        if living is None:
            return replace(seat, transport=ConnectionState.CONNECTING)
        state = living.state if media.resumed else ConnectionState.CONNECTING
        return replace(seat, transport=state, slots=living.slots, missing_slots=living.missing_slots)

    def _tell_media(self, seat: Seat, media: _Media, living: LivingMedia | None) -> None:
        """What the answer to the command does not say."""
        told = () if media.answer is None else media.answer.slots
        if media.connection and living is None:
            self._directory.tell(seat, MediaLost())
        elif seat.slots != told:
            self._directory.tell(seat, SlotsChanged(slots=seat.slots, missing_slots=seat.missing_slots))
        if living is not None and living.wanted is not None:
            self._directory.tell(seat, living.wanted)

    def _tell_others(self, room: LiveRoom, caller: Caller, before: Seat | None, events: Events) -> None:
        """The one who joins gets the snapshot instead; a connection that held the seat is told that it does not."""
        cause = None
        if before is not None and before.session is not None:
            cause = BreakCause.RELOADED if before.session == caller.session else BreakCause.TAKEN_OVER
        self._directory.publish(room, events, without=caller.participant, cause=cause)
        if before is not None and before.connection != caller.connection:
            self._directory.tell(before, SeatLost(reason=SeatLostReason.TAKEN_OVER))
