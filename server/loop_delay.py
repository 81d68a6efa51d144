"""How late this process's event loop comes to its timers: what everybody's commands wait for."""

import asyncio
from collections.abc import Callable

PERIOD_SECONDS = 0.25


class LoopDelay:
    """Freed by `close`. `observe` is told each delay, in seconds."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe
        self._task = asyncio.create_task(self._watch(), name="delay of the event loop")

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PERIOD_SECONDS
            await asyncio.sleep(PERIOD_SECONDS)
            self._observe(max(0.0, loop.time() - due))
