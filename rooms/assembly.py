"""Puts the rooms domain together. The composition root calls `open_rooms` once."""

from dataclasses import dataclass
from pathlib import Path

from contract.clock import Clock
from rooms.consultations import Consultations
from rooms.media_port import MediaPort
from rooms.outbox import Outbox
from rooms.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Rooms:
    consultations: Consultations
    sessions: Sessions

    async def close(self) -> None:
        """Stops timers and closes the database."""
        raise NotImplementedError


async def open_rooms(folder: Path, media: MediaPort, outbox: Outbox, clock: Clock) -> Rooms:
    """Opens (and migrates) the database and the link key in `folder`, and takes up what a stopped server left."""
    raise NotImplementedError
