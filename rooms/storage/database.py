"""One database: SQLite in a file by default. Reads go side by side, writes one after another.

The durability rules (WAL, `synchronous=FULL`, `BEGIN IMMEDIATE`) are SQLite's alone; no query depends on them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from rooms.storage.migration import migrate

BUSY_TIMEOUT_MILLISECONDS = 10_000
READERS = 4


class Database:
    """Owns the connections. Opened by `Database.open`, freed by `close`."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self._writer = writer
        self._reader = reader
        self._write_lock = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Brings the file to the newest shape (making it when it is not there) and connects."""
        await asyncio.to_thread(migrate, path)
        # Even making an engine looks at the file system.
        writer = await asyncio.to_thread(_engine, path, 1, "BEGIN IMMEDIATE")
        reader = await asyncio.to_thread(_engine, path, READERS, "BEGIN")
        return cls(writer, reader)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end of the block, and leaves nothing behind when the block raises."""
        async with self._write_lock, self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view of what was committed."""
        async with self._reader.connect() as connection:
            yield connection

    async def close(self) -> None:
        await self._reader.dispose()
        await self._writer.dispose()


def _engine(path: Path, connections: int, begin: str) -> AsyncEngine:
    url = URL.create("sqlite+aiosqlite", database=str(path))
    # Errors go into logs, and parameters are names of patients.
    engine = create_async_engine(url, pool_size=connections, max_overflow=0, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        # The driver must not open transactions by itself: BEGIN is ours.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
