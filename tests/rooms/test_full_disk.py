"""A disk without room, played by a database that may not grow."""

import itertools
import traceback
from typing import NoReturn

import pytest
from sqlalchemy.exc import OperationalError

from tests.rooms.world import World


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
