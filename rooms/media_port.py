"""What the rooms domain needs of a media server. `server` joins the two; neither knows the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from contract.errors import KonsiliumError
from contract.ids import AppointmentId, ParticipantId, PeerId, RoomId
from rooms.messages import ConnectionState, MediaAnswer, MediaWanted, SessionDescription, SlotView, Tile

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LivingMedia:
    """A transport as it is now, which may have lived on while nobody listened."""

    state: ConnectionState
    slots: tuple[SlotView, ...] = ()
    missing_slots: int = 0
    wanted: MediaWanted | None = None
    """None: nothing was told yet."""
    shares_screen: bool = False


@dataclass(frozen=True, slots=True)
class LinkMeasure:
    """How one person's media fared lately, as the server counts it."""

    uplink_lost: float = 0.0
    downlink_lost: float = 0.0
    """Shares of packets that did not come the first time, 0 to 1: the worst stream from them, and to them."""
    round_trip_seconds: float = 0.0
    pictures_reduced: int = 0
    pictures_off: int = 0
    """Of the pictures that they look at: sent smaller or slower than they could be shown; not sent for want of room."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Packets that one person's media sent on to another so far."""

    publisher: PeerId
    subscriber: PeerId
    sound: int
    picture: int


@dataclass(frozen=True, slots=True)
class RoomMeasure:
    links: Mapping[PeerId, LinkMeasure]
    flows: tuple[Flow, ...]


class MediaListener(Protocol):
    """Told by the media server what happens to its peers. Called on the event loop; must not block."""

    def peer_state_changed(self, room: RoomId, peer: PeerId, state: ConnectionState) -> None: ...

    def slots_changed(self, room: RoomId, peer: PeerId, slots: tuple[SlotView, ...], missing: int) -> None: ...

    def wanted_changed(self, room: RoomId, peer: PeerId, wanted: MediaWanted) -> None:
        """The peer shall send other pictures than before."""
        ...

    def worker_lost(self, rooms: frozenset[RoomId]) -> None:
        """The worker that held these rooms is gone; their peers must offer anew."""
        ...


class MediaPort(Protocol):
    """Media transport for the peers of rooms. A room lives on exactly one worker."""

    async def offer(self, room: RoomId, peer: PeerId, offer: SessionDescription) -> MediaAnswer:
        """Answers an offer. A new `offer.connection` replaces the peer's transport; the same one with a higher
        number renegotiates or restarts ICE; the same number again gives the stored answer.

        Raises `InputError(BAD_OFFER)`, `ConflictError(STALE_OFFER)`, `LimitError(ROOM_FULL)`,
        `UnavailableError(MEDIA_UNAVAILABLE)`.
        """
        ...

    def resume(self, room: RoomId, peer: PeerId, connection: str) -> LivingMedia | None:
        """The peer's transport of that name, when it still lives, so that no offer is needed."""
        ...

    def peers(self) -> tuple[tuple[RoomId, PeerId], ...]:
        """Everybody who has a transport."""
        ...

    def state_of(self, room: RoomId, peer: PeerId) -> ConnectionState | None:
        """The peer's transport as it is now; None when there is none."""
        ...

    async def measure(self, rooms: Sequence[RoomId]) -> Mapping[RoomId, RoomMeasure]:
        """What is counted of these rooms; those that are not there (any more) are left out."""
        ...

    async def view(self, room: RoomId, peer: PeerId, tiles: tuple[Tile, ...]) -> None:
        """How large this peer shows what it receives; sections that are not named count as large."""
        ...

    async def share_screen(self, room: RoomId, peer: PeerId | None) -> None:
        """The screen of this peer, of its later connections too, goes to everybody's screen section; None: nobody's.
        It ends with the peer's `disconnect`."""
        ...

    async def disconnect(self, room: RoomId, peer: PeerId) -> None:
        """Frees the peer's transport; unknown peers are no error."""
        ...

    def listen(self, listener: MediaListener) -> Callable[[], None]:
        """Adds a listener; the returned function takes it away again."""
        ...


async def free_media(media: MediaPort, appointment: AppointmentId, participant: ParticipantId) -> None:
    """Frees a participant's transport; a media server that can't just now frees it by itself later."""
    try:
        await media.disconnect(RoomId(appointment), PeerId(participant))
    except KonsiliumError as error:
        _log.warning("media_not_freed", appointment=appointment, code=error.code.value)
