"""Builders, a media port that remembers what it was asked, and a clinic with real storage."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contract.ids import AppointmentId, ClinicId, ConnectionId, ParticipantId, PeerId, RoomId
from rooms.media_port import LivingMedia, MediaListener, RoomMeasure
from rooms.messages import (
    ConnectionState,
    DeviceState,
    Event,
    JoinRoom,
    MediaAnswer,
    MediaState,
    MediaWanted,
    SessionDescription,
    SlotView,
    Tile,
)
from rooms.model import (
    Appointment,
    AppointmentStatus,
    Clinic,
    Participant,
    Payment,
    PaymentStatus,
    Subject,
    Versions,
)
from rooms.outbox import Caller
from rooms.roles import Role

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)
CLINIC = Clinic(ClinicId("clinic"), "Клиника", "+7 495 000-00-00", "Europe/Moscow")
APPOINTMENT = AppointmentId("apt_1")
ANSWERED_SLOTS = (SlotView(mid="2", participant=None), SlotView(mid="3", participant=None))
ON = MediaState(microphone=DeviceState.ON, camera=DeviceState.ON)


def an_appointment(
    payment: PaymentStatus = PaymentStatus.SUCCEEDED,
    status: AppointmentStatus = AppointmentStatus.BOOKED,
    start: datetime = START,
) -> Appointment:
    return Appointment(
        id=APPOINTMENT,
        clinic=CLINIC.id,
        reference="A-1",
        title="Приём",
        subject=Subject("P-1", "Анна Иванова"),
        starts_at=start,
        ends_at=start + timedelta(minutes=30),
        first_starts_at=start,
        created_at=start - timedelta(days=1),
        status=status,
        payment=Payment(payment, price="2 500 ₽", url="https://pay.example/1"),
        versions=Versions(1, 1, 1, 1),
    )


def a_participant(role: Role = Role.PATIENT, identifier: str = "par_1") -> Participant:
    return Participant(ParticipantId(identifier), APPOINTMENT, identifier, role, "Имя")


@dataclass
class RecordingOutbox:
    sent: list[tuple[ConnectionId, Event]] = field(default_factory=list)
    closed: list[ConnectionId] = field(default_factory=list)

    def send(self, connection: ConnectionId, event: Event) -> None:
        self.sent.append((connection, event))

    def close(self, connection: ConnectionId) -> None:
        self.closed.append(connection)

    def of(self, caller: Caller) -> list[Event]:
        return [event for connection, event in self.sent if connection == caller.connection]

    def clear(self) -> None:
        self.sent.clear()


@dataclass
class RecordingMedia:
    """A media server that answers every offer, and remembers who has a transport."""

    transports: dict[PeerId, str] = field(default_factory=dict)
    rooms: dict[PeerId, RoomId] = field(default_factory=dict)
    asked: list[tuple[str, PeerId]] = field(default_factory=list)
    listeners: list[MediaListener] = field(default_factory=list)
    refuses_with: Exception | None = None
    measured: dict[RoomId, RoomMeasure] = field(default_factory=dict)
    slots: tuple[SlotView, ...] | None = None
    """Of every transport, instead of what was answered."""
    wanted: MediaWanted | None = None
    screen: PeerId | None = None

    async def offer(self, room: RoomId, peer: PeerId, offer: SessionDescription) -> MediaAnswer:
        self.asked.append(("offer", peer))
        if self.refuses_with is not None:
            raise self.refuses_with
        self.transports[peer], self.rooms[peer] = offer.connection, room
        return MediaAnswer(
            description=SessionDescription(connection=offer.connection, number=offer.number, sdp="answer"),
            slots=ANSWERED_SLOTS,
        )

    def peers(self) -> tuple[tuple[RoomId, PeerId], ...]:
        return tuple((room, peer) for peer, room in self.rooms.items() if peer in self.transports)

    def resume(self, room: RoomId, peer: PeerId, connection: str) -> LivingMedia | None:
        if self.transports.get(peer) != connection:
            return None
        slots = ANSWERED_SLOTS if self.slots is None else self.slots
        return LivingMedia(ConnectionState.LIVE, slots, 0, self.wanted, self.screen == peer)

    def state_of(self, room: RoomId, peer: PeerId) -> ConnectionState | None:
        return ConnectionState.LIVE if peer in self.transports else None

    async def measure(self, rooms: Sequence[RoomId]) -> Mapping[RoomId, RoomMeasure]:
        return {room: self.measured[room] for room in rooms if room in self.measured}

    async def view(self, room: RoomId, peer: PeerId, tiles: tuple[Tile, ...]) -> None:
        self.asked.append(("view " + " ".join(f"{tile.mid}:{tile.size}" for tile in tiles), peer))

    async def share_screen(self, room: RoomId, peer: PeerId | None) -> None:
        self.screen = peer

    async def disconnect(self, room: RoomId, peer: PeerId) -> None:
        self.asked.append(("disconnect", peer))
        self.transports.pop(peer, None)

    def listen(self, listener: MediaListener) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)


def an_offer(connection: str = "pc-1", number: int = 1) -> SessionDescription:
    return SessionDescription(connection=connection, number=number, sdp="offer")


def a_join(offer: SessionDescription | None = None, resume: str | None = None, take_over: bool = False) -> JoinRoom:
    return JoinRoom(id="c", media=ON, offer=offer, resume=resume, take_over=take_over)
