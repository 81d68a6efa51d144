"""SQLite: what makes one file durable and private. No query depends on it."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MILLISECONDS = 10_000

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",
    # What retention deletes is overwritten: names must not stay readable in the file's free pages.
    "secure_delete=ON",
)


def sqlite_engine(path: Path, connections: int, begin: str) -> AsyncEngine:
    """Connections to one file; each transaction starts with the statement `begin`."""
    url = URL.create("sqlite+aiosqlite", database=str(path))
    # Parameters are names of patients and secrets of clinics: no error may carry them into a log.
    engine = create_async_engine(url, pool_size=connections, max_overflow=0, hide_parameters=True)
    begin_by_hand(engine.sync_engine, begin)

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def begin_by_hand(engine: Engine, begin: str) -> None:
    """Makes transactions whole. The driver would open them late, and none at all for a change of shape."""

    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)
