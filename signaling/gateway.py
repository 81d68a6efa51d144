"""The Socket.IO namespace: who connects, and one ordered inbox for what they send."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

import socketio
import structlog
from aiohttp import web
from socketio.exceptions import ConnectionRefusedError as SocketRefusal

from contract.errors import ErrorCode, IdentityError, InputError, KonsiliumError, LimitError
from contract.ids import ConnectionId, ParticipantId, SessionId
from rooms.messages import AdmissionChanged, VerdictView
from rooms.outbox import Caller
from rooms.sessions import Identity
from signaling import transport
from signaling.acknowledgement import Acknowledgement
from signaling.connection import Connection
from signaling.dispatch import Dispatcher
from signaling.outbox import SocketOutbox
from signaling.permissions import Place
from signaling.session import DeviceSessions
from signaling.transport import NAMESPACE

CONNECTIONS_PER_DEVICE = 8
CONNECTIONS_PER_ADDRESS = 256
"""A whole clinic may sit behind one address."""

COOKIE_PREFIX = "konsilium_"

log = structlog.get_logger("signaling.gateway")


class Authenticator(Protocol):
    """What the gateway needs of `rooms.sessions.Sessions`."""

    async def authenticate(self, participant: str, cookie_secret: str) -> Identity: ...


class Lobby(Protocol):
    """What the gateway needs of `rooms.consultations.Consultations` besides its commands."""

    async def connect(self, caller: Caller) -> VerdictView: ...

    async def disconnect(self, caller: Caller) -> None: ...


def cookie_name(participant: str) -> str:
    """The cookie that holds the session secret of one participant."""
    return COOKIE_PREFIX + participant


class ConsultationGateway(socketio.AsyncNamespace):  # type: ignore[misc]  # python-socketio ships no types
    """python-socketio starts a task per event, so messages of one client could overtake each other: everything but
    connect and disconnect goes through the connection's inbox, and is put there before the first `await`."""

    def __init__(
        self, authenticator: Authenticator, lobby: Lobby, dispatcher: Dispatcher, outbox: SocketOutbox
    ) -> None:
        super().__init__(NAMESPACE)
        self._authenticator = authenticator
        self._lobby = lobby
        self._dispatcher = dispatcher
        self._outbox = outbox
        self._connections: dict[ConnectionId, Connection] = {}
        self._addresses: Counter[str] = Counter()
        self._address_of: dict[ConnectionId, str] = {}
        self._devices = DeviceSessions()
        outbox.on_seat_lost = self._seat_lost

    async def trigger_event(self, event: str, *args: Any) -> Acknowledgement | None:
        """Every event of the namespace comes in here; unknown ones are acknowledged with an error too."""
        if event == "connect":
            await self._connect(ConnectionId(args[0]), args[1], args[2] if len(args) > 2 else None)
            return None
        if event == "disconnect":
            await self._disconnect(ConnectionId(args[0]))
            return None
        connection = self._connections.get(ConnectionId(args[0]))
        if connection is None:
            return None
        self._outbox.check(connection.caller.connection)
        item = connection.submit(event, args[1:])
        try:
            return await item.acknowledged
        finally:
            asyncio.get_running_loop().call_soon(item.sent.set)

    async def close_device(self, session: SessionId) -> None:
        """Closes every connection of a device that was forgotten or revoked."""
        for connection in self._devices.connections(session):
            await self.disconnect(connection)

    async def close(self) -> None:
        """Cuts every connection; clients connect again when the server is back."""
        cuts = [transport.abort(self.server, connection) for connection in self._connections]
        # Side by side: each may wait for a command in progress.
        for failed in await asyncio.gather(*cuts, return_exceptions=True):
            if isinstance(failed, Exception):
                log.error("close_failed", error=type(failed).__name__)

    @property
    def open_connections(self) -> int:
        """How many connections there are. (No `__len__`: python-socketio takes a false namespace for none.)"""
        return len(self._connections)

    async def _connect(self, sid: ConnectionId, environ: Mapping[str, Any], auth: object) -> None:
        try:
            await self._admit(sid, environ["aiohttp.request"], auth)
        except KonsiliumError as error:
            raise SocketRefusal(str(error.code), {"code": str(error.code), "detail": error.detail}) from None
        except Exception:
            log.exception("connect_failed")
            raise SocketRefusal(str(ErrorCode.INTERNAL), {"code": str(ErrorCode.INTERNAL), "detail": ""}) from None

    async def _admit(self, sid: ConnectionId, request: web.Request, auth: object) -> None:
        participant = _claimed_participant(auth)
        secret = request.cookies.get(cookie_name(participant))
        if not secret:
            raise IdentityError(ErrorCode.SESSION_REQUIRED, "no session cookie for this participant")
        address = request.remote or ""
        if self._addresses[address] >= CONNECTIONS_PER_ADDRESS:
            raise LimitError(ErrorCode.TOO_MANY, "too many connections from one address")
        caller = _caller(await self._authenticator.authenticate(participant, secret), sid)
        if len(self._devices.connections(caller.session)) >= CONNECTIONS_PER_DEVICE:
            raise LimitError(ErrorCode.TOO_MANY, "too many connections of one device")
        self._add(caller, address)
        self._outbox.hold(sid)
        try:
            verdict = await self._lobby.connect(caller)
        except BaseException:
            await self._disconnect(sid)
            raise
        self._outbox.send(sid, AdmissionChanged(verdict=verdict))
        asyncio.get_running_loop().call_soon(self._outbox.release, sid)

    def _seat_lost(self, sid: ConnectionId) -> None:
        connection = self._connections.get(sid)
        if connection is not None:
            connection.place = Place.LOBBY

    def _add(self, caller: Caller, address: str) -> None:
        sid = caller.connection
        self._addresses[address] += 1
        self._address_of[sid] = address
        device = self._devices.attach(caller.session, sid)

        def drop_flooder() -> None:
            self._outbox.drop(sid, ErrorCode.TOO_MANY)

        self._connections[sid] = Connection(caller, device, self._dispatcher, self._outbox, drop_flooder)

    async def _disconnect(self, sid: ConnectionId) -> None:
        connection = self._connections.pop(sid, None)
        self._outbox.forget(sid)
        if connection is None:
            return
        address = self._address_of.pop(sid)
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]
        self._devices.detach(connection.caller.session, sid)
        try:
            await connection.close()
            await self._lobby.disconnect(connection.caller)
        except Exception:
            log.exception("disconnect_failed")


def _caller(identity: Identity, connection: ConnectionId) -> Caller:
    return Caller(
        connection=connection,
        session=identity.session,
        participant=identity.participant,
        appointment=identity.appointment,
        clinic=identity.clinic,
        role=identity.role,
    )


def _claimed_participant(auth: object) -> ParticipantId:
    participant = auth.get("participant") if isinstance(auth, dict) else None
    if not isinstance(participant, str) or not 0 < len(participant) <= 64 or not participant.isascii():
        raise InputError(ErrorCode.BAD_MESSAGE, "the connection must name its participant")
    return ParticipantId(participant)
