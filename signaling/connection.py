"""One Socket.IO connection: its ordered, bounded inbox and the one task that drains it."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from contract.errors import ErrorCode
from contract.ids import ConnectionId
from rooms.outbox import Caller
from signaling.acknowledgement import Acknowledgement, failure
from signaling.dispatch import Dispatcher
from signaling.permissions import RULES, Place
from signaling.rate import TokenBucket
from signaling.session import DeviceSession

INBOX_LIMIT = 32
COMMANDS_PER_SECOND = 20.0
COMMAND_BURST = 60
REFUSALS_BEFORE_DROP = 200
"""A client that goes on after so many refusals is broken or hostile, and is dropped."""

CLOSE_SECONDS = 15.0
"""How long a command in progress may take to end after its connection is gone."""


class Gate(Protocol):
    """Keeps a connection's events back while the command whose answer they follow from is under way."""

    def hold(self, connection: ConnectionId) -> None: ...

    def release(self, connection: ConnectionId) -> None: ...


class Item:
    """One command in the inbox. The gateway sets `sent` once the acknowledgement is in the outgoing queue."""

    __slots__ = ("acknowledged", "arguments", "name", "sent")

    def __init__(self, name: str, arguments: tuple[object, ...]) -> None:
        self.name = name
        self.arguments = arguments
        self.acknowledged: asyncio.Future[Acknowledgement] = asyncio.get_running_loop().create_future()
        self.sent = asyncio.Event()


class Connection:
    """Commands of one connection are done one after another, in the order in which they came."""

    def __init__(
        self,
        caller: Caller,
        device: DeviceSession,
        dispatcher: Dispatcher,
        gate: Gate,
        on_flood: Callable[[], None],
        bucket: TokenBucket | None = None,
    ) -> None:
        self.caller = caller
        self.place = Place.LOBBY
        self._device = device
        self._dispatcher = dispatcher
        self._gate = gate
        self._on_flood = on_flood
        self._bucket = bucket or TokenBucket(COMMANDS_PER_SECOND, COMMAND_BURST)
        self._refusals = 0
        self._closed = False
        self._inbox: deque[Item] = deque()
        self._filled = asyncio.Event()
        self._drain_task = asyncio.create_task(self._drain(), name=f"inbox {caller.connection}")

    def submit(self, name: str, arguments: tuple[object, ...]) -> Item:
        """Puts a command into the inbox. Never waits, so that order is the order of the calls."""
        item = Item(name, arguments)
        if self._closed:
            item.acknowledged.set_result(failure(ErrorCode.SESSION_REQUIRED, "the connection is closing"))
        elif not self._bucket.take() or len(self._inbox) >= INBOX_LIMIT:
            item.acknowledged.set_result(failure(ErrorCode.TOO_MANY, "too many commands at once"))
            self._refusals += 1
            if self._refusals == REFUSALS_BEFORE_DROP:
                self._on_flood()
        else:
            self._inbox.append(item)
            self._filled.set()
        return item

    async def close(self) -> None:
        """Drops what waits and lets the command in progress end, so that nothing is left half done."""
        self._closed = True
        while self._inbox:
            self._inbox.popleft().acknowledged.cancel()
        self._filled.set()
        _, unfinished = await asyncio.wait({self._drain_task}, timeout=CLOSE_SECONDS)
        for task in unfinished:
            task.cancel()

    async def _drain(self) -> None:
        while not self._closed:
            await self._filled.wait()
            self._filled.clear()
            while self._inbox:
                await self._answer(self._inbox.popleft())

    async def _answer(self, item: Item) -> None:
        connection = self.caller.connection
        rule = RULES.get(item.name)
        if rule is not None and rule.carries_snapshot:
            self._gate.hold(connection)
        try:
            answer = await self._dispatcher.answer(self.caller, self.place, self._device, item.name, item.arguments)
            if rule is not None and rule.leads_to is not None and answer["ok"]:
                self.place = rule.leads_to
            if not item.acknowledged.done():
                item.acknowledged.set_result(answer)
                await item.sent.wait()
        finally:
            item.acknowledged.cancel()
            self._gate.release(connection)
