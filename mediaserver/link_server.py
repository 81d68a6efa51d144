"""The worker's end of the link: a Unix socket on which one server at a time asks and is told."""

import asyncio
import contextlib
import logging
import time
from pathlib import Path

import msgspec

from contract.errors import ErrorCode, KonsiliumError
from contract.private_socket import listen_privately
from mediaserver.link_frames import FrameError, encode_frame, read_frame
from mediaserver.link_messages import (
    Disconnect,
    DoneReply,
    Downward,
    Inventory,
    InventoryReply,
    Measure,
    MeasureReply,
    Notice,
    Offer,
    Ping,
    Pong,
    Refusal,
    Reply,
    Request,
    ShareScreen,
    Statistics,
    StatisticsReply,
    View,
)
from mediaserver.media_worker import MediaWorker

MAXIMUM_UNSENT = 8 << 20
"""Bytes that may wait for a server that does not read; beyond, the link is cut and it must ask for the inventory."""

logger = logging.getLogger(__name__)
_decoder: msgspec.msgpack.Decoder[Downward] = msgspec.msgpack.Decoder(Downward)


class LinkServer:
    """Serves one link; a new server takes the place of the old one. Freed by `close`."""

    def __init__(self, worker: MediaWorker) -> None:
        self._worker = worker
        self._server: asyncio.Server | None = None
        self._path: Path | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.ever_linked = False
        self.alone_since: float | None = time.monotonic()
        """`time.monotonic` of the loss of the last link (or of the start); None while linked."""

    async def open(self, path: Path) -> None:
        """Listens; only this system user may connect. A socket left by a dead process is replaced."""
        self._server = await asyncio.start_unix_server(self._serve, sock=listen_privately(path))
        self._path = path
        self._worker.notify = self._notify

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        writer = self._writer
        if writer is not None:
            with contextlib.suppress(TimeoutError, ConnectionError):
                await asyncio.wait_for(writer.drain(), 1.0)
            writer.close()
        _forget(self._path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = writer
        self.alone_since = None
        self.ever_linked = True
        try:
            while (request := await read_frame(reader, _decoder)) is not None:
                self._send(writer, self._answer(request))
                if isinstance(request, Inventory):
                    for notice in self._worker.standing_notices():
                        self._send(writer, notice)
        except FrameError as error:
            logger.warning("the link is cut: %s", error)
        finally:
            writer.close()
            if self._writer is writer:
                self._writer = None
                self.alone_since = time.monotonic()

    def _answer(self, request: Request) -> Reply:
        try:
            return self._handle(request)
        except KonsiliumError as error:
            return Refusal(request.request, error.code.value, error.detail)
        except Exception:
            logger.exception("a fault in a request")
            return Refusal(request.request, ErrorCode.INTERNAL.value, "")

    def _handle(self, request: Request) -> Reply:
        worker = self._worker
        match request:
            case Inventory():
                return InventoryReply(request.request, worker.inventory())
            case Ping():
                return Pong(request.request, time.process_time_ns() // 1000)
            case Offer():
                return worker.offer(request)
            case View():
                worker.view(request.room, request.peer, request.tiles)
                return DoneReply(request.request)
            case ShareScreen():
                worker.share_screen(request.room, request.peer)
                return DoneReply(request.request)
            case Disconnect():
                worker.disconnect(request.room, request.peer)
                return DoneReply(request.request)
            case Statistics():
                return StatisticsReply(
                    request.request, worker.counters(), worker.peer_counters() if request.peers else {}
                )
            case Measure():
                return MeasureReply(request.request, worker.measure(request.rooms))

    def _notify(self, notice: Notice) -> None:
        if self._writer is not None:
            self._send(self._writer, notice)

    def _send(self, writer: asyncio.StreamWriter, message: Reply | Notice) -> None:
        if writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > MAXIMUM_UNSENT:
            logger.warning("the link is cut: the server does not read")
            writer.transport.abort()
            return
        writer.write(encode_frame(message))


def _forget(path: Path | None) -> None:
    if path is not None:
        path.unlink(missing_ok=True)
