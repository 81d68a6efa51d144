"""What python-socketio and engine.io leave unbounded, bounded: for everybody who can open a socket, known or not.

Clients that say who they are have stricter limits of their own (`signaling/connection.py`, `signaling/outbox.py`).
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import engineio
import socketio
from aiohttp import web

from signaling.rate import TokenBucket
from signaling.transport import abort_session

SESSIONS_PER_ADDRESS = 512
"""Engine.IO sessions; a polling one lives on for two pings after its last request."""
PACKETS_PER_SECOND = 100.0
PACKET_BURST = 1000
"""Of one session; an honest client sends a handful a second."""
QUEUED_PACKETS = 1024
"""Waiting for one session; more are thrown away. Nobody who is owed that many still listens."""

_RESERVED = frozenset({"connect", "disconnect", "__disconnect_final"})
"""What python-socketio itself calls handlers with: a client must not be able to name them."""


class OutgoingQueue(asyncio.Queue[Any]):
    """Never grows beyond `QUEUED_PACKETS`, and never makes anybody wait: engine.io puts into it from the one task that
    watches all sessions. `None` tells the writer to end and is always taken."""

    def put_nowait(self, item: Any) -> None:
        if item is None or self.qsize() < QUEUED_PACKETS:
            super().put_nowait(item)


class _Engine(engineio.AsyncServer):  # type: ignore[misc]  # engine.io ships no types
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.upgrades: dict[str, set[asyncio.Transport]] = {}
        """The WebSockets that polling sessions go on with; the library keeps the first request of a session alone."""

    def create_queue(self, *_args: object, **_options: object) -> OutgoingQueue:
        return OutgoingQueue()

    async def handle_request(self, request: web.Request) -> Any:
        sid, link = request.query.get("sid"), request.transport
        if sid is None or sid not in self.sockets or link is None or "Upgrade" not in request.headers:
            return await super().handle_request(request)
        upgrades = self.upgrades.setdefault(sid, set())
        upgrades.add(link)
        try:
            return await super().handle_request(request)
        finally:
            upgrades.discard(link)
            if not upgrades:
                self.upgrades.pop(sid, None)


class BoundedSocketServer(socketio.AsyncServer):  # type: ignore[misc]  # python-socketio ships no types
    """`tests/signaling/test_socket_server.py` fails when the overridden methods are no longer called."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._addresses: Counter[str] = Counter()
        self._address_of: dict[str, str] = {}
        self._packets: dict[str, TokenBucket] = {}

    def _engineio_server_class(self) -> type[_Engine]:
        return _Engine

    async def _handle_eio_connect(self, eio_sid: str, environ: Mapping[str, Any]) -> bool | None:
        """False refuses the session."""
        address = environ["aiohttp.request"].remote or ""
        if self._addresses[address] >= SESSIONS_PER_ADDRESS:
            return False
        self._addresses[address] += 1
        self._address_of[eio_sid] = address
        self._packets[eio_sid] = TokenBucket(PACKETS_PER_SECOND, PACKET_BURST)
        await super()._handle_eio_connect(eio_sid, environ)
        return None

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        self._packets.pop(eio_sid, None)
        address = self._address_of.pop(eio_sid, None)
        if address is not None:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]
        await super()._handle_eio_disconnect(eio_sid, reason)

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: object) -> None:
        """The library tells no handler of a session that ends while its connecting is still being handled: what was
        made for it would stay for ever."""
        await super()._handle_connect(eio_sid, namespace, data)
        if eio_sid not in self._packets:
            await self._handle_disconnect(eio_sid, namespace, self.reason.TRANSPORT_CLOSE)

    async def _handle_eio_message(self, eio_sid: str, data: object) -> None:
        """Every packet of every session. Whoever floods is cut without being answered."""
        packets = self._packets.get(eio_sid)
        if packets is None:
            return
        if packets.take():
            await super()._handle_eio_message(eio_sid, data)
        else:
            await abort_session(self, eio_sid)

    async def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: object) -> None:
        """Raises `ValueError` (a dropped packet) for what is no event: a list that begins with a name of its own."""
        if not isinstance(data, list) or not data or not isinstance(data[0], str) or data[0] in _RESERVED:
            raise ValueError("not an event")
        await super()._handle_event(eio_sid, namespace, id, data)
