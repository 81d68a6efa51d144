"""The same rules as for the domain: nothing may block the event loop; a clinic on a real file."""

from tests.rooms.conftest import _nothing_blocks_the_loop, location, pytest_generate_tests, world

__all__ = ["_nothing_blocks_the_loop", "location", "pytest_generate_tests", "world"]
