"""One database: SQLite in a file by default, PostgreSQL by its address. Reads go side by side, writes one after
another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from rooms.storage.migration import migrate, migrate_server
from rooms.storage.postgresql import reading_engine, writing_engine
from rooms.storage.sqlite import sqlite_engine

READERS = 4


class Database:
    """Owns the connections. Opened by `Database.open`, freed by `close`."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self._writer = writer
        self._reader = reader
        self._write_lock = asyncio.Lock()

    @classmethod
    async def open(cls, location: Path | URL) -> "Database":
        """Brings the database to the newest shape (making the file when it is not there) and connects.

        Raises `UnavailableError` when a newer version of the program wrote it.
        """
        if isinstance(location, URL):
            await asyncio.to_thread(migrate_server, location)
            return cls(writing_engine(location), reading_engine(location, READERS))
        await asyncio.to_thread(migrate, location)
        # Even making an engine looks at the file system.
        writer = await asyncio.to_thread(sqlite_engine, location, 1, "BEGIN IMMEDIATE")
        reader = await asyncio.to_thread(sqlite_engine, location, READERS, "BEGIN")
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
