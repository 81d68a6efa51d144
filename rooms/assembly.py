"""Puts the rooms domain together. The composition root calls `open_rooms` once."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from contract.clock import Clock
from rooms.consultations import Consultations
from rooms.ice_servers import IceServerSource
from rooms.links import LinkKey
from rooms.media_port import MediaPort
from rooms.outbox import Outbox
from rooms.room_directory import SEAT_KEPT_SECONDS
from rooms.sessions import Sessions
from rooms.storage.database import Database
from rooms.storage.store import Store

DATABASE_FILE = "konsilium.db"
LINK_KEY_FILE = "link.key"


@dataclass(frozen=True, slots=True)
class Rooms:
    store: Store
    link_key: LinkKey
    clock: Clock
    consultations: Consultations
    sessions: Sessions

    async def close(self) -> None:
        """Stops timers and closes the database."""
        await self.consultations.close()
        await self.consultations.quality.close()
        await self.store.close()


async def open_rooms(
    folder: Path,
    media: MediaPort,
    outbox: Outbox,
    clock: Clock,
    seat_kept_seconds: float = SEAT_KEPT_SECONDS,
    database: Path | URL | None = None,
    ice_servers: IceServerSource | None = None,
) -> Rooms:
    """Opens (and migrates) the database and the link key in `folder`, and takes up what a stopped server left.

    The folder must exist. `database`: where it is, when it is not the file in the folder.
    """
    link_key = await asyncio.to_thread(LinkKey.load, folder / LINK_KEY_FILE)
    store = Store(await Database.open(database or folder / DATABASE_FILE))
    consultations = Consultations(store, media, outbox, clock, seat_kept_seconds, ice_servers)
    await consultations.restore()
    consultations.quality.start()
    return Rooms(store, link_key, clock, consultations, Sessions(store, consultations.reception, clock))
