"""The only file that knows how python-socketio and engine.io keep their outgoing packets.

They queue without a bound and offer no way to look; `tests/signaling/test_transport.py` fails when that changes.
"""

import asyncio
import logging
from typing import Any

import socketio
from engineio import packet as engine_packet
from socketio import packet as socket_packet

from signaling.rate import TokenBucket

NAMESPACE = "/consultation"

MALFORMED_LINES_PER_SECOND = 1.0
MALFORMED_LINES_BURST = 20


class _BadInputFilter(logging.Filter):
    """What a client sent wrong is one line without a traceback; the libraries would print the stack. And not a line
    for every packet: whoever sends rubbish must not be able to fill the disk with it."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = TokenBucket(MALFORMED_LINES_PER_SECOND, MALFORMED_LINES_BURST)

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.exc_info:
            return True
        kind = record.exc_info[0]
        record.msg = f"malformed packet dropped: {kind.__name__ if kind else 'unknown'}"
        record.args = ()
        record.exc_info = None
        return self._lines.take()


def quiet_logger() -> logging.Logger:
    """The logger for both libraries: warnings and worse, bad input in one line."""
    logger = logging.getLogger("signaling.transport")
    logger.setLevel(logging.ERROR)
    if not any(isinstance(one, _BadInputFilter) for one in logger.filters):
        logger.addFilter(_BadInputFilter())
    return logger


class TextPacket(socket_packet.Packet):  # type: ignore[misc]  # python-socketio ships no types
    """Our protocol has no binary messages. The library would keep the attachments that a packet announces, up to
    billions, without a bound; so such a packet is refused before the first of them comes."""

    def decode(self, encoded_packet: Any) -> int:
        """Raises `ValueError` for a packet with attachments."""
        if super().decode(encoded_packet):
            raise ValueError("binary attachments are not spoken here")
        return 0


def _engine_socket(server: socketio.AsyncServer, sid: str) -> Any | None:
    engine_sid = server.manager.eio_sid_from_sid(sid, NAMESPACE)
    return server.eio.sockets.get(engine_sid) if engine_sid else None


def enqueue(server: socketio.AsyncServer, sid: str, event: str, data: object) -> int | None:
    """Puts one event into the connection's outgoing queue at once; how many packets wait there now, or None when the
    connection is gone. (`AsyncServer.emit` makes a task for each call, which would lose the order.)"""
    socket = _engine_socket(server, sid)
    if socket is None or socket.closed:
        return None
    encoded = server.packet_class(socket_packet.EVENT, namespace=NAMESPACE, data=[event, data]).encode()
    for part in encoded if isinstance(encoded, list) else [encoded]:
        socket.queue.put_nowait(engine_packet.Packet(engine_packet.MESSAGE, part))
    return int(socket.queue.qsize())


def outgoing_length(server: socketio.AsyncServer, sid: str) -> int:
    """How many packets wait to be written to this connection."""
    socket = _engine_socket(server, sid)
    return int(socket.queue.qsize()) if socket else 0


async def close(server: socketio.AsyncServer, sid: str) -> None:
    """Says goodbye after what is queued. A client that does not take it ends with the next ping."""
    await server.disconnect(sid, NAMESPACE)


async def abort(server: socketio.AsyncServer, sid: str) -> None:
    """Cuts the connection without writing to it, so that a client which reads nothing can't hold us up. The client
    sees a lost link, not a goodbye, and may connect again."""
    engine_sid = server.manager.eio_sid_from_sid(sid, NAMESPACE)
    if engine_sid:
        await abort_session(server, engine_sid)


async def abort_session(server: socketio.AsyncServer, engine_sid: str) -> None:
    """`abort` for an Engine.IO session, whether or not it ever connected to the namespace."""
    socket = server.eio.sockets.get(engine_sid)
    if socket is None:
        return
    while not socket.queue.empty():
        socket.queue.get_nowait()
        socket.queue.task_done()
    for link in _web_sockets(server, engine_sid):
        link.abort()
    await socket.close(wait=False, abort=True, reason=server.eio.reason.SERVER_DISCONNECT)


def _web_sockets(server: socketio.AsyncServer, engine_sid: str) -> list[asyncio.Transport]:
    """What a session is carried by, when it does not poll. (Of one that polled first, the first request is over.)"""
    upgrades = server.eio.upgrades.get(engine_sid)
    if upgrades:
        return list(upgrades)
    first = server.environ.get(engine_sid, {}).get("aiohttp.request")
    if first is None or first.transport is None or not server.eio.sockets[engine_sid].upgraded:
        return []
    return [first.transport]
