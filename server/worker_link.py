"""The link to one media worker: its Unix socket, requests awaiting replies, notices, reconnection."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from contract.errors import ConflictError, ErrorCode, InputError, KonsiliumError, LimitError, UnavailableError
from mediaserver.link_frames import FrameError, encode_frame, read_frame
from mediaserver.link_messages import (
    Inventory,
    InventoryReply,
    Notice,
    PeerEntry,
    Ping,
    Pong,
    Refusal,
    Reply,
    Request,
    Upward,
)
from server.placement import WorkerLoad
from server.worker_process import WorkerProcess

REPLY_SECONDS = 8.0
PING_SECONDS = 1.0
PINGS_UNHEARD = 3
"""A worker that says nothing for so many pings in a row hangs. Pings are counted, not seconds: when it was this process
that stood still, the worker's answers are read before the next ping."""

FIRST_RETRY_SECONDS = 0.05
LONGEST_RETRY_SECONDS = 0.5
LASTED_SECONDS = 1.0
"""A conversation that lasted so long is taken up again at once; a shorter one only after a pause, as if it had been
refused: a worker that hangs up at once must not keep this process busy."""

Answer = TypeVar("Answer", bound=Reply)

log = structlog.get_logger("server.worker_link")


class LinkState(StrEnum):
    """Connecting: the worker is not there (yet). Up: requests are answered. Closed: for good."""

    CONNECTING = "connecting"
    UP = "up"
    CLOSED = "closed"


class WorkerLink:
    """Keeps one connection to one worker's socket alive, and says when the worker came and went."""

    def __init__(
        self,
        path: Path,
        on_up: Callable[["WorkerLink", tuple[PeerEntry, ...]], None],
        on_down: Callable[["WorkerLink"], None],
        on_notice: Callable[["WorkerLink", Notice], None],
    ) -> None:
        self.path = path
        self.state = LinkState.CONNECTING
        self.load = WorkerLoad()
        self.retiring = False
        """It is to be ended once nobody is on it; until then it gets no new rooms."""
        self.losses = 0
        """How often the worker was lost."""
        self._process: WorkerProcess | None = None
        self._on_up = on_up
        self._on_down = on_down
        self._on_notice = on_notice
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._pings_unheard = 0
        self._decoder: msgspec.msgpack.Decoder[Upward] = msgspec.msgpack.Decoder(Upward)
        self._up = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"link {path.name}")

    async def wait_up(self) -> None:
        """Returns once the worker answers."""
        await self._up.wait()

    async def ask(self, make: Callable[[int], Request], expected: type[Answer]) -> Answer:
        """Sends the request that `make` builds from its number, and gives the reply.

        Raises `UnavailableError(MEDIA_UNAVAILABLE)` when the worker is not there or does not answer, and the error
        that a `Refusal` names.
        """
        if self._writer is None:
            raise UnavailableError(ErrorCode.MEDIA_UNAVAILABLE, "the media worker is not there")
        number = next(self._numbers)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._writer.write(encode_frame(make(number)))
            async with asyncio.timeout(REPLY_SECONDS):
                reply = await future
        except FrameError:
            raise InputError(ErrorCode.TOO_LARGE, "the offer is too large") from None
        except TimeoutError:
            raise UnavailableError(ErrorCode.MEDIA_UNAVAILABLE, "the media worker does not answer") from None
        finally:
            self._waiting.pop(number, None)
        if isinstance(reply, Refusal):
            raise _refusal_error(reply)
        if not isinstance(reply, expected):
            raise UnavailableError(ErrorCode.MEDIA_UNAVAILABLE, "the media worker gave an unexpected reply")
        return reply

    def tell(self, make: Callable[[int], Request]) -> None:
        """Like `ask`, for what needs no reply; nothing happens while the worker is not there."""
        if self._writer is not None:
            self._writer.write(encode_frame(make(next(self._numbers))))

    def end_worker(self) -> None:
        """Asks the process behind the link to end; whoever started it starts the next one."""
        if self._process is not None:
            self._process.terminate()

    async def close(self) -> None:
        """Ends the link; the worker goes on for its grace time."""
        self.state = LinkState.CLOSED
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        delay = FIRST_RETRY_SECONDS
        while True:
            try:
                reader, self._writer = await asyncio.open_unix_connection(str(self.path))
            except OSError:
                self._became_down()
            else:
                began_at = time.monotonic()
                try:
                    await self._converse(reader)
                finally:
                    self._end_conversation()
                if time.monotonic() - began_at >= LASTED_SECONDS:
                    delay = FIRST_RETRY_SECONDS
                    continue
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_RETRY_SECONDS)

    async def _converse(self, reader: asyncio.StreamReader) -> None:
        writer = self._writer
        if writer is None:
            return
        writer.write(encode_frame(Inventory(request=next(self._numbers))))
        watching = asyncio.create_task(self._watch(writer), name=f"pulse of {self.path.name}")
        try:
            while (frame := await read_frame(reader, self._decoder)) is not None:
                self._pings_unheard = 0
                try:
                    self._take(frame)
                except Exception:
                    # A fault of a listener must not end the link that everybody's media hangs on.
                    log.exception("worker_news_failed", worker=self.path.name, kind=type(frame).__name__)
        except FrameError as error:
            log.error("worker_frame_malformed", worker=self.path.name, detail=str(error))
        finally:
            watching.cancel()

    async def _watch(self, writer: asyncio.StreamWriter) -> None:
        """Ends a worker that lives but does not answer; what it held is lost like that of a dead one."""
        process = self._process = await _process_behind(writer)
        self._pings_unheard = 0
        try:
            while self._pings_unheard < PINGS_UNHEARD:
                writer.write(encode_frame(Ping(request=next(self._numbers))))
                self._pings_unheard += 1
                await asyncio.sleep(PING_SECONDS)
            log.error("worker_hangs", worker=self.path.name, ended=process is not None)
            if process is not None:
                process.kill()
            self._became_down()
            writer.transport.abort()
        finally:
            if process is not None:
                self._process = None
                process.close()

    def _take(self, frame: Upward) -> None:
        if isinstance(frame, Notice):
            self._on_notice(self, frame)
            return
        if isinstance(frame, InventoryReply):
            # At once: the notices that follow are about these peers.
            self.state = LinkState.UP
            self._up.set()
            self._on_up(self, frame.peers)
        if isinstance(frame, Pong):
            self.load.seen(frame.cpu_microseconds, time.monotonic())
            return
        future = self._waiting.get(frame.request)
        if future is not None and not future.done():
            future.set_result(frame)

    def _end_conversation(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(UnavailableError(ErrorCode.MEDIA_UNAVAILABLE, "the media worker is gone"))

    def _became_down(self) -> None:
        """A refused connection, unlike a lost one, means that the process is gone; one that hangs counts as gone."""
        if self.state is LinkState.UP:
            self.state = LinkState.CONNECTING
            self._up.clear()
            self.load = WorkerLoad()
            self.retiring = False
            self.losses += 1
            try:
                self._on_down(self)
            except Exception:
                # As in `_converse`: the worker that comes next must be found.
                log.exception("worker_news_failed", worker=self.path.name, kind="lost")


async def _process_behind(writer: asyncio.StreamWriter) -> WorkerProcess | None:
    finding = asyncio.create_task(asyncio.to_thread(WorkerProcess.behind, writer.get_extra_info("socket")))
    try:
        return await asyncio.shield(finding)
    except asyncio.CancelledError:
        # The thread can't be stopped, and what it finds holds a descriptor.
        finding.add_done_callback(_let_go)
        raise


def _let_go(finding: asyncio.Task[WorkerProcess | None]) -> None:
    process = None if finding.cancelled() else finding.result()
    if process is not None:
        process.close()


def _refusal_error(refusal: Refusal) -> KonsiliumError:
    try:
        code = ErrorCode(refusal.code)
    except ValueError:
        code = ErrorCode.INTERNAL
    return _ERRORS.get(code, UnavailableError)(code, refusal.detail)


_ERRORS: dict[ErrorCode, type[KonsiliumError]] = {
    ErrorCode.BAD_OFFER: InputError,
    ErrorCode.TOO_LARGE: InputError,
    ErrorCode.STALE_OFFER: ConflictError,
    ErrorCode.ROOM_FULL: LimitError,
    ErrorCode.TOO_MANY: LimitError,
}
