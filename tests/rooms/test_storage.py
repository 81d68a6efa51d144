"""The database: durable settings, migrations equal to the tables, and transactions that leave nothing half."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import alembic.op
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import IntegrityError

from contract.errors import UnavailableError
from rooms.storage import migration
from rooms.storage.database import Database
from rooms.storage.migration import NEWEST_REVISION, migrate
from rooms.storage.store import Store
from rooms.storage.tables import metadata
from tests.conftest import PostgresqlServer
from tests.rooms.support import an_appointment
from tests.rooms.world import World

EVERY_DATABASE = True


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


def _insert(connection: Connection, table: str, **values: object) -> None:
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


def _fill_first_shape(connection: Connection) -> None:
    """A clinic of the first version, with an appointment that was paid and one whose money went back."""
    _insert(
        connection, "clinics", id="c", name="C", phone="", time_zone="UTC", policy="{}", webhook_secret="s",
        api_key_hash="h",
    )  # fmt: skip
    at = "2026-05-04 12:00:00.000000"
    texts = dict.fromkeys(("title", "subject_reference", "subject_name", "payment_price", "payment_url"), "x")
    urls = dict.fromkeys(("cabinet_url", "manage_url", "record_url"), "")
    moments = dict.fromkeys(("starts_at", "ends_at", "first_starts_at", "created_at"), at)
    versions = {"details_version": 1, "schedule_version": 1, "status_version": 1}
    for status, version in (("succeeded", 3), ("refunded", 4), ("pending", 5)):
        _insert(
            connection, "appointments", id=f"apt_{status}", clinic="c", reference=status, status="booked",
            payment_status=status, payment_version=version, encounter="planned", **texts, **urls, **moments, **versions,
        )  # fmt: skip
    _insert(connection, "audit", at=at, clinic="c", appointment="apt_refunded", action="payment.refunded", detail="")


def test_an_older_database_with_data_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    migrate(path, "0001")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        _fill_first_shape(connection)
    migrate(path)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        rows = connection.execute(text("SELECT payment_status, paid_version, refund_version FROM appointments"))
        assert {tuple(row) for row in rows} == {("succeeded", 3, 0), ("refunded", 0, 4), ("pending", 0, 0)}
        assert connection.execute(text("SELECT appointment FROM audit")).scalar_one() == "apt_refunded"
    engine.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def the_power_goes(*_: object, **__: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr(alembic.op, "create_index", the_power_goes)
        with pytest.raises(OSError, match="power"):
            migrate(tmp_path / "a.db")
    migrate(tmp_path / "a.db")


def test_two_processes_may_start_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import pathlib, sys; from rooms.storage.migration import migrate; "
               "migrate(pathlib.Path(sys.argv[1]))", str(tmp_path / "a.db")]  # fmt: skip
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate(timeout=50)[1] for process in running] == [b""] * 2


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    migrate(tmp_path / "a.db")
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UnavailableError, match="9999"):
        migrate(tmp_path / "a.db")
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


async def test_what_was_committed_is_there_for_another_process(world: World, location: Path | URL) -> None:
    await world.book()
    # No orderly close: a second database at the same place sees everything that was answered.
    other = Store(await Database.open(location))
    async with other.read() as transaction:
        [appointment] = await transaction.appointments.of_clinic(an_appointment().clinic)
        people = await transaction.participants.of_appointment(appointment.id)
    assert [person.reference for person in people] == ["patient", "doctor", "mother"]
    assert appointment.starts_at == an_appointment().starts_at
    assert appointment.starts_at.tzinfo is UTC
    await other.close()


async def test_a_reader_sees_one_moment(world: World) -> None:
    await world.book()
    async with world.rooms.store.read() as transaction:
        [before] = await transaction.appointments.of_clinic(an_appointment().clinic)
        async with world.rooms.store.write() as writing:
            await writing.appointments.save(replace(before, title="changed meanwhile"))
        assert await transaction.appointments.get(before.id) == before


async def test_writers_of_two_processes_take_turns(world: World, location: Path | URL) -> None:
    """Both read, then write what they read and one more: none is lost."""
    await world.book()
    other = Store(await Database.open(location))

    async def count_up(store: Store) -> None:
        async with store.write() as transaction:
            [appointment] = await transaction.appointments.of_clinic(an_appointment().clinic)
            await asyncio.sleep(0)
            title = str(int(appointment.title) + 1 if appointment.title.isdigit() else 1)
            await transaction.appointments.save(replace(appointment, title=title))

    await asyncio.gather(*(count_up(store) for store in (world.rooms.store, other) * 5))
    async with other.read() as transaction:
        [appointment] = await transaction.appointments.of_clinic(an_appointment().clinic)
    assert appointment.title == "10"
    await other.close()


async def test_a_write_that_is_cancelled_leaves_nothing_and_frees_the_writer(world: World) -> None:
    await world.book()
    async with world.rooms.store.read() as transaction:
        [before] = await transaction.appointments.of_clinic(an_appointment().clinic)
    written = asyncio.Event()

    async def write_slowly() -> None:
        async with world.rooms.store.write() as transaction:
            await transaction.appointments.save(replace(before, title="half"))
            written.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(write_slowly())
    await written.wait()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    async with world.rooms.store.write() as transaction:
        assert await transaction.appointments.get(before.id) == before


async def test_an_error_of_the_database_names_nobody(world: World) -> None:
    await world.book()
    async with world.rooms.store.read() as transaction:
        [appointment] = await transaction.appointments.of_clinic(an_appointment().clinic)
    with pytest.raises(IntegrityError) as failed:
        async with world.rooms.store.write() as transaction:
            await transaction.appointments.add(appointment)
    assert appointment.subject.name not in str(failed.value)


async def test_postgresql_gets_the_declared_tables_and_keeps_them(postgresql_server: PostgresqlServer) -> None:
    location = await asyncio.to_thread(postgresql_server.new_database, pattern="template0")
    for database in await asyncio.gather(*(Database.open(location) for _ in range(3))):
        async with database.read() as connection:
            assert (
                await connection.run_sync(lambda sync: compare_metadata(MigrationContext.configure(sync), metadata))
                == []
            )
        await database.close()
