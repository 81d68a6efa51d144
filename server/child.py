"""One supervised child process: started, watched, restarted with back-off, ended."""

import asyncio
import contextlib
import ctypes
import functools
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from server import priority
from server.console import say

STOP_SECONDS = 8.0
LIVED_LONG_SECONDS = 30.0
LONGEST_DELAY_SECONDS = 10.0
EXIT_CONFIGURATION = 78
"""sysexits.h EX_CONFIG: starting again would not help, unless it ran before."""

START = b"start\n"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Role(StrEnum):
    """What a process of the node does."""

    SUPERVISOR = "supervisor"
    SERVER = "server"
    WORKER = "worker"
    SPARE = "spare"


@dataclass(frozen=True, slots=True)
class Program:
    """How a child is started."""

    role: Role
    command: Sequence[str]
    environment: Mapping[str, str]
    descriptors: tuple[int, ...] = ()
    awaits_start: bool = False
    """It does nothing but import its parts until it reads `START` from its standard input, so that the next one can
    stand by while one runs."""
    niceness: int = 0
    """Added to the parent's nice value, as far as that is allowed."""


class BackOff:
    """The delay before the next restart: none for the first, then doubling; a child that lived long starts over."""

    def __init__(self) -> None:
        self._delay = 0.0

    def after(self, lived_seconds: float) -> float:
        """Seconds to wait after a life of that length."""
        if lived_seconds >= LIVED_LONG_SECONDS:
            self._delay = 0.0
        delay = self._delay
        self._delay = min(max(0.5, delay * 2), LONGEST_DELAY_SECONDS)
        return delay


class Child:
    """Keeps one program running until `stop`."""

    def __init__(self, program: Program, on_started: Callable[["Child"], None]) -> None:
        self.program = program
        self.process: asyncio.subprocess.Process | None = None
        self.starts = 0
        self.failed = False
        """It could never be started, or said at its first start that its configuration is wrong; it is given up."""
        self._on_started = on_started
        self._stopping = asyncio.Event()
        self._standby: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Returns after `stop`, or when starting again would not help."""
        try:
            await self._keep_running()
        finally:
            await self._end_standby()

    async def prepare_standby(self) -> None:
        """Starts the process that will take over when the running one ends, unless there is one."""
        if self._standby is not None and self._standby.returncode is None:
            return
        try:
            self._standby = await self._spawn()
        except OSError:
            # Then the next one is started when it is needed.
            return
        if self._stopping.is_set():
            await self._end_standby()

    def stop(self) -> None:
        """Asks the child to end; `run` returns when it did."""
        self._stopping.set()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the child at once."""
        self._stopping.set()
        self._signal(signal.SIGKILL)

    async def _keep_running(self) -> None:
        back_off = BackOff()
        while not self._stopping.is_set():
            try:
                await self._start()
            except OSError as error:
                say(f"konsilium: {self.program.role} can't be started: {error.strerror}")
                if not self.starts:
                    self.failed = True
                    return
                await self._pause(LONGEST_DELAY_SECONDS)
                continue
            self._on_started(self)
            started_at = time.monotonic()
            status = await self._ended()
            # What ran once may run again: a certificate that is being renewed must not end calls that are live.
            if status == EXIT_CONFIGURATION and self.starts == 1:
                self.failed = True
                return
            await self._pause(back_off.after(time.monotonic() - started_at))

    async def _spawn(self) -> asyncio.subprocess.Process:
        awaits_start = self.program.awaits_start
        return await asyncio.create_subprocess_exec(
            *self.program.command,
            env={**os.environ, **self.program.environment},
            pass_fds=self.program.descriptors,
            start_new_session=True,
            preexec_fn=functools.partial(_become, self.program.niceness, os.getpid()),
            stdin=asyncio.subprocess.PIPE if awaits_start else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )

    async def _start(self) -> None:
        ready, self._standby = self._standby, None
        self.process = ready if ready is not None and ready.returncode is None else await self._spawn()
        if self.process.stdin is not None:
            self.process.stdin.write(START)
        self.starts += 1
        if self._stopping.is_set():
            self._signal(signal.SIGTERM)

    async def _ended(self) -> int:
        process = self.process
        if process is None:
            raise RuntimeError("the child was not started")
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            _, late = await asyncio.wait({ended}, timeout=STOP_SECONDS)
            if late:
                self._signal(signal.SIGKILL)
        return await ended

    async def _pause(self, seconds: float) -> None:
        if seconds:
            waiting = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({waiting}, timeout=seconds)
            waiting.cancel()

    async def _end_standby(self) -> None:
        standby, self._standby = self._standby, None
        if standby is not None:
            with contextlib.suppress(ProcessLookupError):
                standby.kill()
            await standby.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)


def _become(niceness: int, supervisor: int) -> None:
    """Runs in the child before its program starts: the kernel ends it when the supervisor is gone (prctl(2))."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor:
        # It was gone before it was asked for.
        os._exit(1)
    priority.apply(niceness)
