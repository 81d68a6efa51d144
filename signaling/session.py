"""One device of one participant, across the sockets it opens: what was already answered to it.

A command carries the client's id. When the socket drops before the acknowledgement arrives, the client asks again on
its next socket, and is answered from here instead of having its command done twice.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from contract.errors import ErrorCode
from contract.ids import ConnectionId, SessionId
from signaling.acknowledgement import Acknowledgement, failure

STORED_ANSWERS = 64
"""Per device; a client never has more than a handful of commands unanswered."""

KEPT_SECONDS = 120.0
"""How long a device without a socket is remembered: as long as its seat in the room is kept."""

Perform = Callable[[], Awaitable[Acknowledgement]]


@dataclass(frozen=True, slots=True)
class _Answer:
    name: str
    connection: ConnectionId
    binds_connection: bool
    future: asyncio.Future[Acknowledgement]


class DeviceSession:
    """The acknowledgements given to one device, newest last, and the connections it has open."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self.connections: set[ConnectionId] = set()
        self.left_at = 0.0

    async def once(
        self, command_id: str, name: str, connection: ConnectionId, *, binds_connection: bool, perform: Perform
    ) -> Acknowledgement:
        """Performs the command, or gives the answer that the same command got before.

        Refusals are not stored: a refused command did nothing, so asking again is asking anew.
        """
        known = self._answers.get(command_id)
        if known is not None and known.name != name:
            return failure(ErrorCode.CONFLICT, "this id was used for another command")
        if known is not None and not (known.binds_connection and known.connection != connection):
            await asyncio.wait({known.future})
            if not known.future.cancelled():
                return known.future.result()
        answer = _Answer(name, connection, binds_connection, asyncio.get_running_loop().create_future())
        self._answers[command_id] = answer
        self._answers.move_to_end(command_id)
        while len(self._answers) > STORED_ANSWERS:
            self._answers.popitem(last=False)
        try:
            result = await perform()
        except BaseException:
            self._forget(command_id, answer)
            answer.future.cancel()
            raise
        answer.future.set_result(result)
        if not result["ok"]:
            self._forget(command_id, answer)
        return result

    def _forget(self, command_id: str, answer: _Answer) -> None:
        if self._answers.get(command_id) is answer:
            del self._answers[command_id]


class DeviceSessions:
    """All devices that are connected, or were within `KEPT_SECONDS`."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._sessions: dict[SessionId, DeviceSession] = {}
        self._left: OrderedDict[SessionId, None] = OrderedDict()
        self._monotonic = monotonic

    def attach(self, session: SessionId, connection: ConnectionId) -> DeviceSession:
        """The device's memory, with one more connection."""
        self._forget_old()
        self._left.pop(session, None)
        device = self._sessions.setdefault(session, DeviceSession())
        device.connections.add(connection)
        return device

    def detach(self, session: SessionId, connection: ConnectionId) -> None:
        """The connection is gone; the device is remembered for a while."""
        device = self._sessions.get(session)
        if device is None:
            return
        device.connections.discard(connection)
        if not device.connections:
            device.left_at = self._monotonic()
            self._left[session] = None
        self._forget_old()

    def connections(self, session: SessionId) -> frozenset[ConnectionId]:
        """The connections a device has open now."""
        device = self._sessions.get(session)
        return frozenset(device.connections) if device else frozenset()

    def __len__(self) -> int:
        return len(self._sessions)

    def _forget_old(self) -> None:
        horizon = self._monotonic() - KEPT_SECONDS
        while self._left:
            oldest = next(iter(self._left))
            if self._sessions[oldest].left_at > horizon:
                return
            del self._left[oldest]
            del self._sessions[oldest]
