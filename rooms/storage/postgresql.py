"""PostgreSQL: the same promises as SQLite's, said in its words. For several nodes; one node needs no server.

* One writer at a time, also over processes: a transaction that writes takes an advisory lock first, so what it has
  read stays true until it commits. READ COMMITTED, because the lock must be held before the first look at anything.
* Readers see one moment: REPEATABLE READ.
"""

from typing import Any

from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

LOCK_TIMEOUT_MILLISECONDS = 10_000
WRITER_LOCK = 0x6B6F6E73
"""The advisory lock of whoever writes, or changes the shape of the tables."""

_TAKE_LOCK = f"SELECT pg_advisory_xact_lock({WRITER_LOCK})"


def writing_engine(url: URL) -> AsyncEngine:
    """One connection; each of its transactions waits until nobody else writes."""
    engine = _engine(url, 1, "READ COMMITTED")

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(_TAKE_LOCK)

    return engine


def reading_engine(url: URL, connections: int) -> AsyncEngine:
    """Connections whose transactions see one moment."""
    return _engine(url, connections, "REPEATABLE READ")


def _engine(url: URL, connections: int, isolation: str) -> AsyncEngine:
    settings = {"lock_timeout": str(LOCK_TIMEOUT_MILLISECONDS), "application_name": "konsilium"}
    return create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        pool_size=connections,
        max_overflow=0,
        # A connection that the server closed meanwhile is noticed before it is used.
        pool_pre_ping=True,
        isolation_level=isolation,
        hide_parameters=True,
        connect_args={"server_settings": settings},
    )
