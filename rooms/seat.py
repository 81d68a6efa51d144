"""One participant's place in a live room, and what the others are told of their link to it."""

from dataclasses import dataclass

from contract.ids import ConnectionId, SessionId
from rooms.messages import ConnectionState, DeviceState, MediaState, SlotView
from rooms.roles import Assurance

UNKNOWN_MEDIA = MediaState(microphone=DeviceState.ON, camera=DeviceState.ON)
"""What is told of someone expected back after a restart, until they say it themselves."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A connection that is gone leaves the seat; so does a transport. Only when both are gone the seat is given up."""

    connection: ConnectionId | None
    session: SessionId | None
    """None: kept from before a restart, for whichever device comes back."""
    media: MediaState
    assurance: Assurance
    transport: ConnectionState | None = None
    """None: no media transport (text only)."""
    media_connection: str = ""
    """`SessionDescription.connection` of the transport."""
    slots: tuple[SlotView, ...] = ()
    missing_slots: int = 0

    @property
    def abandoned(self) -> bool:
        """Neither socket nor media: the time until it is given up runs."""
        return self.connection is None and self.transport not in {ConnectionState.LIVE, ConnectionState.UNSTABLE}


def connection_state(seat: Seat | None) -> ConnectionState:
    """What the others are told.

    | socket | transport | told |
    | --- | --- | --- |
    | (no seat) | | absent |
    | there | none, live | live |
    | there | connecting, unstable | the same |
    | there | gone | reconnecting |
    | gone | live, unstable | the same: picture and sound go on |
    | gone | gone | gone |
    | gone | none, connecting | reconnecting |
    """
    if seat is None:
        return ConnectionState.ABSENT
    if seat.transport in {ConnectionState.LIVE, ConnectionState.UNSTABLE}:
        return ConnectionState(seat.transport)
    if seat.transport is ConnectionState.GONE:
        return ConnectionState.GONE if seat.connection is None else ConnectionState.RECONNECTING
    if seat.connection is None:
        return ConnectionState.RECONNECTING
    return ConnectionState.LIVE if seat.transport is None else ConnectionState.CONNECTING
