"""A whole clinic on a real SQLite file: the booking system speaks in signed webhooks, people open their links."""

import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL, select
from standardwebhooks import Webhook

from booking_bridge.bridge import Bridge, NewClinic, WebhookAnswer
from contract.clock import FixedClock
from contract.ids import ClinicId, ConnectionId, PeerId
from rooms.assembly import Rooms, open_rooms
from rooms.messages import JoinResult
from rooms.outbox import Caller
from rooms.policy import DEFAULT_POLICY, Policy
from rooms.room_directory import SEAT_KEPT_SECONDS
from rooms.storage.database import Database
from rooms.storage.tables import metadata
from tests.rooms.support import CLINIC, END, START, RecordingMedia, RecordingOutbox, a_join, an_offer

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS1jbGluaWM="
API_KEY = "api-key-of-the-clinic"
LINK_BASE = "https://clinic.example/j/"
PEOPLE = (
    {"id": "patient", "role": "patient", "name": "Анна Иванова"},
    {"id": "doctor", "role": "practitioner", "name": "Пётр Орлов", "specialty": "Кардиолог"},
    {"id": "mother", "role": "related_person", "name": "Вера Иванова", "relationship": "мать"},
)


@dataclass
class World:
    folder: Path
    rooms: Rooms
    bridge: Bridge
    clock: FixedClock
    media: RecordingMedia = field(default_factory=RecordingMedia)
    outbox: RecordingOutbox = field(default_factory=RecordingOutbox)
    counter: "itertools.count[int]" = field(default_factory=itertools.count)

    @classmethod
    async def open(
        cls,
        folder: Path,
        policy: Policy = DEFAULT_POLICY,
        now: datetime = START,
        seat_kept_seconds: float = SEAT_KEPT_SECONDS,
        location: Path | URL | None = None,
        media: RecordingMedia | None = None,
    ) -> "World":
        """`media`: what lived on while the server was started again."""
        media, outbox, clock = media or RecordingMedia(), RecordingOutbox(), FixedClock(now)
        rooms = await open_rooms(folder, media, outbox, clock, seat_kept_seconds, location)
        bridge = Bridge(rooms, LINK_BASE)
        await bridge.add_clinic(a_clinic(policy))
        return cls(folder, rooms, bridge, clock, media, outbox)

    async def close(self) -> None:
        await self.bridge.close()
        await self.rooms.close()

    # The booking system

    async def send(self, kind: str, version: int, webhook_id: str | None = None, **data: Any) -> WebhookAnswer:
        body = an_event(kind, version, **data)
        return await self.bridge.receive(signed(body, webhook_id or f"msg_{next(self.counter)}"), body)

    async def book(self, paid: bool = True, **data: Any) -> dict[str, str]:
        """Books the appointment; gives each participant's token."""
        status = "booked" if paid else "pending"
        answer = await self.send("appointment.created", 1, **{"status": status, **whole(), **data})
        return {link.participant: link.url.removeprefix(LINK_BASE) for link in answer.links}

    # People

    async def arrive(self, token: str) -> Caller:
        """Opens a link on a new device and connects to the lobby."""
        exchange = await self.rooms.sessions.exchange(token, None)
        assert exchange.participant is not None
        assert exchange.cookie_secret is not None
        return await self.connect(exchange.participant, exchange.cookie_secret)

    async def connect_again(self, caller: Caller) -> Caller:
        """A new socket of the same device, whose session is known already."""
        again = replace(caller, connection=ConnectionId(f"connection-{next(self.counter)}-again"))
        await self.rooms.consultations.connect(again)
        return again

    async def connect(self, participant: str, secret: str) -> Caller:
        identity = await self.rooms.sessions.authenticate(participant, secret)
        caller = Caller(
            connection=ConnectionId(f"connection-{next(self.counter)}"),
            session=identity.session,
            participant=identity.participant,
            appointment=identity.appointment,
            clinic=identity.clinic,
            role=identity.role,
        )
        await self.rooms.consultations.connect(caller)
        return caller

    async def join(self, caller: Caller, take_over: bool = False) -> JoinResult:
        offer = an_offer(f"pc-{caller.connection}")
        return await self.rooms.consultations.join(caller, a_join(offer, take_over=take_over))

    def transport(self, caller: Caller) -> str | None:
        return self.media.transports.get(PeerId(caller.participant))


async def everything_stored(location: Path | URL) -> str:
    """Every row of every table, as text."""
    database = await Database.open(location)
    async with database.read() as connection:
        rows = [str((await connection.execute(select(table))).all()) for table in metadata.sorted_tables]
    await database.close()
    return "\n".join(rows)


def a_clinic(policy: Policy = DEFAULT_POLICY, identifier: ClinicId = CLINIC.id, secret: str = SECRET) -> NewClinic:
    return NewClinic(
        id=identifier,
        name=CLINIC.name,
        phone=CLINIC.phone,
        time_zone=CLINIC.time_zone,
        policy=policy,
        webhook_secret=secret,
        api_key=API_KEY if identifier == CLINIC.id else f"key-of-{identifier}",
    )


def whole(**changes: Any) -> dict[str, Any]:
    """The data of a whole appointment."""
    return {
        "starts_at": START.isoformat(),
        "ends_at": END.isoformat(),
        "title": "Приём кардиолога",
        "subject": {"name": "Анна Иванова"},
        "participants": PEOPLE,
        "payment": {"price": "2 500 ₽", "url": "https://pay.example/1"},
        **changes,
    }


def an_event(kind: str, version: int, clinic: str = CLINIC.id, **data: Any) -> bytes:
    envelope = {
        "type": kind,
        "timestamp": START.isoformat(),
        "data": {"clinic": clinic, "appointment": "A-1", "version": version, **data},
    }
    return json.dumps(envelope).encode()


def signed(body: bytes, webhook_id: str, secret: str = SECRET, age: timedelta = timedelta()) -> dict[str, str]:
    at = datetime.now(UTC) - age
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, at, body.decode()),
    }
