"""The database: durable settings, migrations equal to the tables, and transactions that leave nothing half."""

import asyncio
import itertools
import subprocess
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from rooms.storage import migration
from rooms.storage.database import Database
from rooms.storage.migration import NEWEST_REVISION, migrate
from rooms.storage.store import Store
from rooms.storage.tables import metadata
from tests.rooms.support import an_appointment
from tests.rooms.world import World


def test_the_migrations_lead_to_the_declared_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for _ in range(2):
        migrate(path)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_the_newest_revision_is_the_last_migration() -> None:
    scripts = ScriptDirectory(str(Path(migration.__file__).parent.parent / "migrations"))
    assert scripts.get_heads() == [NEWEST_REVISION]


def test_an_older_database_is_brought_up_to_date(tmp_path: Path) -> None:
    migrate(tmp_path / "a.db")
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE appointments DROP COLUMN payment_returned_at"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    migrate(tmp_path / "a.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_database_of_the_newest_shape_is_opened_without_the_migration_tool(tmp_path: Path) -> None:
    """It takes a good part of every start, and so of every recovery."""
    migrate(tmp_path / "a.db")
    script = """
import asyncio, pathlib, sys
import server.process
from rooms.storage.database import Database
async def open_and_close(): await (await Database.open(pathlib.Path(sys.argv[1]))).close()
asyncio.run(open_and_close())
print([name for name in ("alembic", "aiortc", "av") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", script, tmp_path / "a.db"], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


async def test_sqlite_writes_ahead_fully_synchronised_and_keeps_references(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "a.db")
    async with database.write() as connection:
        found = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    await database.close()
    assert found == ["wal", 2, 1]


async def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    path = tmp_path / "a.db"
    path.touch(mode=0o644)
    database = await Database.open(path)
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE some (thing INTEGER)"))
    modes = await asyncio.to_thread(lambda: {one.name: one.stat().st_mode & 0o777 for one in tmp_path.iterdir()})
    await database.close()
    assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}


async def test_a_failing_transaction_leaves_nothing(world: World) -> None:
    await world.book()
    async with world.rooms.store.read() as transaction:
        [before] = await transaction.appointments.of_clinic(an_appointment().clinic)

    async def fail_in_the_middle() -> None:
        async with world.rooms.store.write() as transaction:
            await transaction.appointments.add(replace(an_appointment(), reference="other"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_in_the_middle()
    async with world.rooms.store.read() as transaction:
        assert await transaction.appointments.of_clinic(before.clinic) == [before]


async def test_what_was_committed_is_there_for_another_process(tmp_path: Path) -> None:
    world = await World.open(tmp_path)
    await world.book()
    # No orderly close: a second database on the same file sees everything that was answered.
    other = Store(await Database.open(tmp_path / "konsilium.db"))
    async with other.read() as transaction:
        [appointment] = await transaction.appointments.of_clinic(an_appointment().clinic)
        people = await transaction.participants.of_appointment(appointment.id)
    assert [person.reference for person in people] == ["patient", "doctor", "mother"]
    await other.close()
    await world.close()


async def test_a_full_disk_stores_nothing_half_and_tells_no_names(world: World) -> None:
    """The error goes into a log as it is."""
    people = ({"id": "patient", "role": "patient", "name": "Анна Иванова" * 10},)
    store = world.rooms.store
    async with store._database.write() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count = 1")
    numbers = itertools.count()

    async def book_on() -> NoReturn:
        while True:
            await world.book(appointment=f"A-{next(numbers)}", participants=people)

    with pytest.raises(OperationalError, match="full") as refused:
        await book_on()
    assert "Анна" not in "".join(traceback.format_exception(refused.value))
    async with store._database.write() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    last = next(numbers) - 1
    assert await world.book(appointment=f"A-{last}", participants=people), "as if it had not been sent before"
