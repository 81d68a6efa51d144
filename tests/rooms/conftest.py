"""What every test of the domain needs: nothing may block the event loop; a clinic on a real file."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from tests.rooms.world import World


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop() -> Iterator[BlockBuster]:
    with blockbuster_ctx() as blockbuster:
        yield blockbuster


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A clinic with the default policy, its clock at the start of the appointment."""
    opened = await World.open(tmp_path)
    yield opened
    await opened.close()
