"""Nothing of ours may block the event loop, the tests' own helpers aside."""

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop() -> Iterator[BlockBuster]:
    ours = ["server", "signaling", "rooms", "booking_bridge"]
    with blockbuster_ctx(ours, excluded_modules=["tests"]) as blockbuster:
        # The traceback of a fault of ours names source lines, which are read from files.
        for function in blockbuster.functions.values():
            for module in ("structlog/_native.py", "structlog/stdlib.py"):
                function.can_block_in(module, {"exception"})
        yield blockbuster
