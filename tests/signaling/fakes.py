"""A consultation domain that only remembers what it was asked, and a real Socket.IO server around it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import socketio
from aiohttp import web
from aiohttp.test_utils import TestServer

from contract.errors import ConflictError, ErrorCode, IdentityError
from contract.ids import AppointmentId, ClinicId, ConnectionId, ParticipantId, SessionId
from contract.messages import Command, Message
from rooms.messages import (
    COMMANDS,
    ConnectionState,
    DeviceState,
    Done,
    IceServers,
    JoinResult,
    MediaAnswer,
    MediaState,
    ParticipantChanged,
    ParticipantView,
    PersonView,
    RoomSnapshot,
    SessionDescription,
    VerdictCode,
    VerdictView,
)
from rooms.outbox import Caller
from rooms.roles import Assurance, Role
from rooms.sessions import Identity
from server.web_application import socket_server, web_application
from signaling.dispatch import Dispatcher
from signaling.gateway import ConsultationGateway
from signaling.outbox import SocketOutbox

NOON = datetime(2030, 5, 1, 12, tzinfo=UTC)
MEDIA = {"microphone": "on", "camera": "on"}
OFFER = {"connection": "c1", "number": 1, "sdp": "v=0"}

PAYLOADS: dict[str, dict[str, Any]] = {
    "admission.check": {},
    "consent.accept": {"version": "1"},
    "payment.returned": {},
    "room.join": {"media": MEDIA, "offer": OFFER},
    "room.leave": {},
    "media.servers": {},
    "media.offer": {"offer": OFFER},
    "media.state": {"media": MEDIA},
    "media.view": {"tiles": [{"mid": "3", "size": "small"}]},
    "screen.share": {},
    "screen.stop": {},
    "consultation.finish": {},
    "participant.remove": {"participant": "prt_2"},
}


def caller(role: Role = Role.PATIENT, connection: str = "sid1", session: str = "ses_1") -> Caller:
    return Caller(
        connection=ConnectionId(connection),
        session=SessionId(session),
        participant=ParticipantId("prt_1"),
        appointment=AppointmentId("apt_1"),
        clinic=ClinicId("cln_1"),
        role=role,
    )


def verdict(code: VerdictCode = VerdictCode.ADMITTED) -> VerdictView:
    return VerdictView(code=code, server_time=NOON)


def participant_changed(version: int, name: str = "A") -> ParticipantChanged:
    person = PersonView(id="prt_1", name=name, role=Role.PATIENT)
    media = MediaState(microphone=DeviceState.ON, camera=DeviceState.OFF)
    view = ParticipantView(person=person, assurance=Assurance.LINK, connection=ConnectionState.LIVE, media=media)
    return ParticipantChanged(version=version, participant=view)


@dataclass
class FakeConsultations:
    """Answers every command at once, or when `released` says so."""

    outbox: SocketOutbox | None = None
    asked: list[tuple[Caller, str, Command]] = field(default_factory=list)
    connected: list[Caller] = field(default_factory=list)
    disconnected: asyncio.Queue[Caller] = field(default_factory=asyncio.Queue)
    raises: Exception | None = None
    gate: asyncio.Event | None = None
    door: asyncio.Event | None = None
    """Who connects waits for it, as for a slow database."""
    version: int = 0

    async def authenticate(self, participant: str, cookie_secret: str) -> Identity:
        if cookie_secret == "expired":
            raise IdentityError(ErrorCode.SESSION_EXPIRED)
        session, _, owner = cookie_secret.partition(".")
        if owner != participant:
            raise IdentityError(ErrorCode.SESSION_REQUIRED)
        role = Role.PRACTITIONER if participant == "doctor" else Role.PATIENT
        return Identity(SessionId(session), ParticipantId(participant), AppointmentId("apt_1"), ClinicId("cln_1"), role)

    async def connect(self, who: Caller) -> VerdictView:
        self.connected.append(who)
        if self.door is not None:
            await self.door.wait()
        return verdict(VerdictCode.TOO_EARLY)

    async def disconnect(self, who: Caller) -> None:
        self.disconnected.put_nowait(who)

    def handlers(self) -> dict[str, Any]:
        return {name: self._handler(name) for name in COMMANDS}

    def _handler(self, name: str) -> Any:
        async def handle(who: Caller, command: Command) -> Message:
            self.asked.append((who, name, command))
            if self.gate is not None:
                await self.gate.wait()
            else:
                await asyncio.sleep(0)
            if self.raises is not None:
                raise self.raises
            return self._result(who, name)

        return handle

    def _result(self, who: Caller, name: str) -> Message:
        if name in ("admission.check", "consent.accept", "payment.returned"):
            return verdict()
        answer = MediaAnswer(description=SessionDescription(connection="c1", number=1, sdp="v=0"), slots=())
        if name == "media.servers":
            return IceServers(servers=(), expires_seconds=0)
        if name == "media.offer":
            return answer
        if name == "room.join":
            self.version += 1
            snapshot = RoomSnapshot(version=self.version, room="apt_1", started_at=None, participants=())
            if self.outbox is not None:
                self.outbox.send(who.connection, participant_changed(self.version + 1))
            return JoinResult(snapshot=snapshot, me=who.participant, answer=answer)
        return Done()


class NoLongerThere(ConflictError):
    """A stand-in for a domain error."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.CONFLICT, "no longer there")


@dataclass
class Stage:
    """A running server and everything behind it."""

    url: str
    domain: FakeConsultations
    outbox: SocketOutbox
    gateway: ConsultationGateway
    sockets: socketio.AsyncServer


@asynccontextmanager
async def stage(tmp_path: Any, outgoing_limit: int = 256) -> AsyncIterator[Stage]:
    """A real HTTP server with the real gateway on an ephemeral port."""
    sockets = socket_server(ping_seconds=1.0)
    outbox = SocketOutbox(sockets, outgoing_limit)
    domain = FakeConsultations(outbox)
    gateway = ConsultationGateway(domain, domain, Dispatcher(domain.handlers()), outbox)
    sockets.register_namespace(gateway)
    application: web.Application = web_application(sockets, [], lambda: True, tmp_path, (), "")
    server = TestServer(application)
    await server.start_server()
    try:
        yield Stage(str(server.make_url("")).rstrip("/"), domain, outbox, gateway, sockets)
    finally:
        await gateway.close()
        await server.close()


@asynccontextmanager
async def browser(
    at: Stage, participant: str = "patient", secret: str | None = None, transports: tuple[str, ...] = ("websocket",)
) -> AsyncIterator[socketio.AsyncClient]:
    """A connected real client whose received events are in `client.received`."""
    client = socketio.AsyncClient(reconnection=False)
    client.received = asyncio.Queue()

    async def remember(event: str, data: Any) -> None:
        client.received.put_nowait((event, data))

    client.on("*", remember, namespace="/consultation")
    cookie = f"konsilium_{participant}={secret or f'ses_{participant}.{participant}'}"
    await client.connect(
        at.url,
        headers={"Cookie": cookie},
        auth={"participant": participant},
        namespaces=["/consultation"],
        transports=list(transports),
        wait_timeout=20,
    )
    try:
        yield client
    finally:
        await client.disconnect()


async def ask(client: socketio.AsyncClient, name: str, payload: Any) -> Any:
    return await client.call(name, payload, namespace="/consultation", timeout=20)
