"""Drain mode of a node: no new rooms, live ones go on; kept over restarts of the server process, not of the node."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from rooms.consultations import Consultations

DRAIN_FILE = "draining"
"""In the data folder, while the node drains. The supervisor removes it when it starts."""

_EXIT = "exit when empty"
_LOOK_SECONDS = 1.0

log = structlog.get_logger("server.drain")


class Drain:
    """Owned by the server process; freed by `close`. `end_node` ends every process of the node, in order."""

    def __init__(self, folder: Path, consultations: Consultations, end_node: Callable[[], None]) -> None:
        self._file = folder / DRAIN_FILE
        self._consultations = consultations
        self._end_node = end_node
        self._waiting: asyncio.TimerHandle | None = None

    async def take_up(self) -> None:
        """What a server process before this one was told."""
        words = await asyncio.to_thread(_read, self._file)
        if words is not None:
            await self.begin(exit_when_empty=words == _EXIT)

    @property
    def on(self) -> bool:
        return self._consultations.draining

    async def begin(self, *, exit_when_empty: bool) -> None:
        """From now on only rooms that live, or whose consultation is under way, may be entered."""
        await asyncio.to_thread(self._file.write_text, _EXIT if exit_when_empty else "", "utf-8")
        self._stop_waiting()
        self._consultations.draining = True
        log.info("draining", exit_when_empty=exit_when_empty)
        if exit_when_empty:
            self._end_when_empty()

    async def end(self) -> None:
        """Rooms open again."""
        self._stop_waiting()
        await asyncio.to_thread(self._file.unlink, missing_ok=True)
        self._consultations.draining = False
        log.info("drain_ended")

    def close(self) -> None:
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _end_when_empty(self) -> None:
        if self._consultations.live_rooms:
            self._waiting = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._end_when_empty)
        else:
            log.info("drained")
            self._end_node()


def forget_drain(folder: Path) -> None:
    """A node that is started anew takes rooms."""
    (folder / DRAIN_FILE).unlink(missing_ok=True)


def _read(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except OSError:
        return None
