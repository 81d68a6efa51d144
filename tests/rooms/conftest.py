"""What every test of the domain needs: nothing may block the event loop; a clinic on a real file."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from sqlalchemy import URL

from rooms.assembly import DATABASE_FILE
from tests.conftest import PostgresqlServer
from tests.rooms.world import World


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop() -> Iterator[BlockBuster]:
    with blockbuster_ctx() as blockbuster:
        for function in blockbuster.functions.values():
            # It has a thread, and for PostgreSQL an event loop, of its own.
            function.can_block_in("storage/migration.py", "_upgrade")
        yield blockbuster


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Modules that say `EVERY_DATABASE = True` run on each kind; elsewhere the default one is enough."""
    if "location" in metafunc.fixturenames:
        every = getattr(metafunc.module, "EVERY_DATABASE", False)
        metafunc.parametrize("location", ["sqlite", "postgresql"] if every else ["sqlite"], indirect=True)


@pytest.fixture
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Path | URL:
    """A new database."""
    if request.param == "sqlite":
        return tmp_path / DATABASE_FILE
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    return server.new_database()


@pytest.fixture
async def world(tmp_path: Path, location: Path | URL) -> AsyncIterator[World]:
    """A clinic with the default policy, its clock at the start of the appointment."""
    opened = await World.open(tmp_path, location=location)
    yield opened
    await opened.close()
