"""Nothing of ours may block the event loop."""

from tests.server.conftest import _nothing_blocks_the_loop

__all__ = ["_nothing_blocks_the_loop"]
