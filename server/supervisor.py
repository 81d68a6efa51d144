"""The parent process: holds the listening socket, keeps server, media workers and the spare running, ends them all.

The listening socket outlives the server process: whoever connects while the server starts again waits a moment in
the kernel's queue instead of being refused. A second server process, with everything imported, stands by and begins
as soon as the first has ended.
"""

import asyncio
import fcntl
import json
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from server.child import Child, Program, Role
from server.console import say, tell
from server.drain import forget_drain
from server.programs import node_programs
from server.settings import Settings, camera_warning

LOCK_FILE = "node.lock"

_BACKLOG = 512
_LONGEST_READY_LINE = 1 << 20


def run(settings: Settings) -> int:
    """Runs the node until a signal ends it; the exit status."""
    warning = camera_warning(settings)
    if warning:
        say(warning)
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _lock(settings.data)
    except BlockingIOError:
        say(f"konsilium: another node runs on {settings.data}")
        return 1
    except OSError as error:
        say(f"konsilium: {settings.data}: {error.strerror}")
        return 1
    with lock:
        return _run_locked(settings)


def _lock(folder: Path) -> BinaryIO:
    """Two nodes on one folder would take each other's workers. Freed by the kernel, however this process ends.

    Raises `BlockingIOError` when another process holds it.
    """
    lock = (folder / LOCK_FILE).open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise
    return lock


def _run_locked(settings: Settings) -> int:
    try:
        listening = _listen(settings)
    except OSError as error:
        say(f"konsilium: {settings.host}:{settings.port}: {error.strerror}")
        return 1
    forget_drain(settings.data)
    ready_reader, ready_writer = os.pipe()
    with listening:
        programs = node_programs(settings, listening.fileno(), ready_writer)
        return asyncio.run(Supervisor(programs, ready_reader, json_lines=settings.json).run())


def _listen(settings: Settings) -> socket.socket:
    address = settings.bind_address()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, settings.port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


class Supervisor:
    """Owns the child processes, the server first, and the reading end of the pipe for its ready line."""

    def __init__(self, programs: Sequence[Program], ready_reader: int, *, json_lines: bool) -> None:
        self._json_lines = json_lines
        self._ready_reader = ready_reader
        self._stop = asyncio.Event()
        self._signals = 0
        self._announced = False
        self._children = [Child(program, self._started) for program in programs]

    async def run(self) -> int:
        """Starts everything, waits for a signal, ends everything."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled)
        relay = asyncio.create_task(self._relay_ready_lines())
        tasks = [asyncio.create_task(child.run()) for child in self._children]
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait({stop, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        await self._end(tasks)
        relay.cancel()
        return 1 if any(child.failed for child in self._children) else 0

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        """The server first, so that nobody is told of lost media on the way out."""
        server, *workers = self._children
        server.stop()
        await tasks[0]
        for child in workers:
            child.stop()
        await asyncio.gather(*tasks)

    def _signalled(self) -> None:
        self._signals += 1
        self._stop.set()
        if self._signals > 1:
            for child in self._children:
                child.kill()

    def _started(self, child: Child) -> None:
        if child.starts > 1 and child.process is not None:
            self._print({"event": "child_restarted", "role": child.program.role, "pid": child.process.pid})

    async def _relay_ready_lines(self) -> None:
        reader = asyncio.StreamReader(limit=_LONGEST_READY_LINE)
        loop = asyncio.get_running_loop()
        pipe = os.fdopen(self._ready_reader, "rb")
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            while line := await reader.readline():
                ready = _ready_line(line)
                if ready is None:
                    continue
                if not self._announced:
                    self._announced = True
                    self._print({**ready, "processes": self._processes()})
                # Not before: it would take the processor from the one that people wait for.
                if self._children[0].program.awaits_start:
                    await self._children[0].prepare_standby()
        finally:
            transport.close()

    def _processes(self) -> list[dict[str, object]]:
        running = [
            {"role": str(child.program.role), "pid": child.process.pid} for child in self._children if child.process
        ]
        return [{"role": str(Role.SUPERVISOR), "pid": os.getpid()}, *running]

    def _print(self, event: dict[str, Any]) -> None:
        tell(json.dumps(event, ensure_ascii=False) if self._json_lines else _for_people(event))


def _ready_line(line: bytes) -> dict[str, Any] | None:
    """None for what is none: a server that was killed while it wrote leaves half a line."""
    try:
        ready = json.loads(line)
    except ValueError:
        return None
    return ready if isinstance(ready, dict) else None


def _for_people(event: dict[str, Any]) -> str:
    if event["event"] == "child_restarted":
        return f"The {event['role']} process ended and was started again (process {event['pid']})."
    lines = [f"Konsilium is ready: {event['url']}"]
    if event["links"]:
        lines.append("Open that page for the demonstration clinic. Ctrl-C stops everything.")
    return "\n".join(lines)
