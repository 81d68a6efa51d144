"""The server's end of the operator's socket: drain, status, a worker's restart."""

import asyncio
import contextlib
from pathlib import Path

import msgspec
import structlog

from contract.errors import KonsiliumError
from contract.private_socket import listen_privately
from rooms.consultations import Consultations
from server.control_messages import (
    LONGEST_LINE,
    BeginDrain,
    EndDrain,
    NodeStatus,
    Orders,
    RestartWorker,
    WorkerStatus,
    control_socket,
)
from server.drain import Drain
from server.media_link import MediaLink

ORDER_SECONDS = 10.0

log = structlog.get_logger("server.control")


class Control:
    """Opened by `open`, freed by `close`."""

    def __init__(self, drain: Drain, consultations: Consultations, media: MediaLink) -> None:
        self._drain = drain
        self._consultations = consultations
        self._media = media
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def open(self, folder: Path) -> None:
        path = control_socket(folder)
        listening = await asyncio.to_thread(listen_privately, path)
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=LONGEST_LINE)
        self._path = path

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._path is not None:
            await asyncio.to_thread(self._path.unlink, missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ORDER_SECONDS):
                answer = await self._carry_out(await reader.readline())
                writer.write(msgspec.json.encode(answer) + b"\n")
                await writer.drain()
        except (TimeoutError, ConnectionError, ValueError) as error:
            log.warning("order_broken", error=type(error).__name__)
        except Exception:
            log.exception("order_failed")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _carry_out(self, line: bytes) -> NodeStatus:
        try:
            order = msgspec.json.decode(line, type=Orders)
            if isinstance(order, BeginDrain):
                await self._drain.begin(exit_when_empty=order.exit_when_empty)
            elif isinstance(order, EndDrain):
                await self._drain.end()
            elif isinstance(order, RestartWorker):
                self._media.retire(order.worker, at_once=order.now)
        except msgspec.MsgspecError as error:
            return self.status(f"no such order: {error}")
        except KonsiliumError as error:
            return self.status(error.detail)
        except OSError as error:
            return self.status(error.strerror or "the data folder can't be written")
        return self.status()

    def status(self, error: str = "") -> NodeStatus:
        return NodeStatus(
            draining=self._drain.on,
            rooms=self._consultations.live_rooms,
            people=self._consultations.people_inside,
            workers=tuple(
                WorkerStatus(
                    name=one.name,
                    up=one.up,
                    spare=one.spare,
                    retiring=one.retiring,
                    rooms=one.rooms,
                    cpu_percent=round(one.cpu_share * 100, 1),
                    losses=one.losses,
                )
                for one in self._media.workers()
            ),
            error=error,
        )
