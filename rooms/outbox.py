"""How the rooms domain speaks to browsers, and how it knows who speaks to it."""

from dataclasses import dataclass
from typing import Protocol

from contract.ids import AppointmentId, ClinicId, ConnectionId, ParticipantId, SessionId
from rooms.messages import Event
from rooms.roles import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a command: taken from the cookie at connect, never from the message."""

    connection: ConnectionId
    session: SessionId
    participant: ParticipantId
    appointment: AppointmentId
    clinic: ClinicId
    role: Role


class Outbox(Protocol):
    """Sends events to connections. Called on the event loop; queues, never blocks, ignores unknown connections."""

    def send(self, connection: ConnectionId, event: Event) -> None: ...

    def close(self, connection: ConnectionId) -> None:
        """Closes the connection once it was told what was sent before."""
        ...
