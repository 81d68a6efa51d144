"""Events to browsers: queued in order, watched, and never waited for."""

import asyncio
from collections.abc import Callable, Coroutine

import msgspec
import socketio
import structlog

from contract.errors import ErrorCode
from contract.ids import ConnectionId
from rooms.messages import EVENTS, Event, SeatLost
from signaling import transport

OUTGOING_LIMIT = 256
"""Packets that may wait for one client; whoever is further behind is dropped with `slow_consumer`."""

EVENT_NAMES: dict[type[Event], str] = {kind: name for name, kind in EVENTS.items()}

log = structlog.get_logger("signaling.outbox")


class SocketOutbox:
    """Implements `rooms.outbox.Outbox`.

    A held connection keeps its events back until it is released: what follows from a command reaches the client
    after the command's acknowledgement.
    """

    def __init__(self, server: socketio.AsyncServer, limit: int = OUTGOING_LIMIT) -> None:
        self._server = server
        self._limit = limit
        self._held: dict[ConnectionId, list[Event]] = {}
        self._dropping: dict[ConnectionId, asyncio.Task[None]] = {}
        self._endings: set[asyncio.Task[None]] = set()
        """Until they are done: a connection is forgotten as soon as its ending has begun."""
        self._close_after_release: set[ConnectionId] = set()
        self.dropped: dict[str, int] = {}
        """How many connections were dropped, by code."""
        self.on_seat_lost: Callable[[ConnectionId], None] = lambda _: None
        """Called when a connection is told that it no longer holds the seat."""

    def send(self, connection: ConnectionId, event: Event) -> None:
        """Queues one event; unknown connections are ignored."""
        held = self._held.get(connection)
        if held is not None:
            held.append(event)
            waiting: int | None = len(held)
        elif connection in self._dropping:
            return
        else:
            waiting = transport.enqueue(self._server, connection, EVENT_NAMES[type(event)], msgspec.to_builtins(event))
            if isinstance(event, SeatLost):
                self.on_seat_lost(connection)
        if waiting is not None and waiting > self._limit:
            self.drop(connection, ErrorCode.SLOW_CONSUMER)

    def check(self, connection: ConnectionId) -> None:
        """Drops a connection that asks without reading its acknowledgements: nothing else would ever look at them."""
        if transport.outgoing_length(self._server, connection) > self._limit:
            self.drop(connection, ErrorCode.SLOW_CONSUMER)

    def hold(self, connection: ConnectionId) -> None:
        """Keeps the connection's events back until `release`."""
        self._held.setdefault(connection, [])

    def release(self, connection: ConnectionId) -> None:
        """Sends what was kept back, in order."""
        for event in self._held.pop(connection, []):
            self.send(connection, event)
        if connection in self._close_after_release:
            self.close(connection)

    def close(self, connection: ConnectionId) -> None:
        """Closes the connection politely, after what was queued; events from now on are not sent."""
        if connection in self._held:
            self._close_after_release.add(connection)
        elif connection not in self._dropping:
            self._end(connection, transport.close(self._server, connection))

    def drop(self, connection: ConnectionId, code: ErrorCode) -> None:
        """Cuts the connection; the reason is counted and logged by its code."""
        if connection in self._dropping:
            return
        self._held.pop(connection, None)
        self.dropped[code] = self.dropped.get(code, 0) + 1
        log.warning("connection_dropped", code=str(code), connection=connection)
        self._end(connection, transport.abort(self._server, connection))

    def _end(self, connection: ConnectionId, ending: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(ending)
        self._dropping[connection] = task
        self._endings.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._endings.discard(task)
            self.forget(connection)
            if not task.cancelled() and task.exception() is not None:
                log.error("ending_failed", error=type(task.exception()).__name__)

        task.add_done_callback(ended)

    def forget(self, connection: ConnectionId) -> None:
        """The connection is gone."""
        self._held.pop(connection, None)
        self._close_after_release.discard(connection)
        self._dropping.pop(connection, None)
