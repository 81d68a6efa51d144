"""Brings a database file to the newest shape."""

import sqlite3
from contextlib import closing
from pathlib import Path

NEWEST_REVISION = "0002"
"""The last file of `rooms/migrations/versions`."""

_MIGRATIONS = Path(__file__).parent.parent / "migrations"


def migrate(path: Path) -> None:
    """Runs the migrations that are missing. Blocks: call it in a thread.

    The file is for its owner alone, whatever its folder allows; SQLite gives the files beside it the same mode.
    alembic is imported only when there is something to do: it would take a good part of every start.
    """
    path.touch(mode=0o600)
    path.chmod(0o600)
    if _revision(path) == NEWEST_REVISION:
        return
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import URL, create_engine

    engine = create_engine(URL.create("sqlite", database=str(path)), hide_parameters=True)
    try:
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def _revision(path: Path) -> str | None:
    """What alembic wrote into the file; None when nothing was written yet."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None
    return None if row is None else str(row[0])
