"""Brings a database to the newest shape, wholly or not at all.

alembic is imported only when there is something to do: it would take a good part of every start.
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, inspect, text

from contract.errors import ErrorCode, UnavailableError
from rooms.storage.postgresql import writing_engine
from rooms.storage.sqlite import BUSY_TIMEOUT_MILLISECONDS, begin_by_hand

NEWEST_REVISION = "0005"
"""The last file of `rooms/migrations/versions`."""

_MIGRATIONS = Path(__file__).parent.parent / "migrations"


def migrate(path: Path, revision: str = "head") -> None:
    """Runs the migrations that are missing in a SQLite file. Blocks: call it in a thread.

    The file is for its owner alone, whatever its folder allows; SQLite gives the files beside it the same mode.
    Two processes may do this at once. Raises `UnavailableError` for a file of a newer version of the program.
    """
    path.touch(mode=0o600)
    path.chmod(0o600)
    if not _behind(_revision_of_file(path)):
        return
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MILLISECONDS / 1000}, hide_parameters=True)
    begin_by_hand(engine, "BEGIN IMMEDIATE")
    try:
        with engine.begin() as connection:
            _upgrade(connection, revision)
    finally:
        engine.dispose()


def migrate_server(url: URL) -> None:
    """The same for PostgreSQL. Blocks, on an event loop of its own: call it in a thread."""
    asyncio.run(_migrate_server(url))


async def _migrate_server(url: URL) -> None:
    engine = writing_engine(url)
    try:
        async with engine.begin() as connection:
            if _behind(await connection.run_sync(_revision_of_server)):
                await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, revision: str = "head") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _behind(revision: str | None) -> bool:
    """Whether something is missing in a database of this revision; None: it is empty."""
    if revision is not None and revision > NEWEST_REVISION:
        detail = f"the database has the shape {revision}; this version of the program knows {NEWEST_REVISION}"
        raise UnavailableError(ErrorCode.INTERNAL, detail)
    return revision != NEWEST_REVISION


def _revision_of_file(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(path)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None
    return None if row is None else str(row[0])


def _revision_of_server(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).one_or_none()
    return None if row is None else str(row[0])
