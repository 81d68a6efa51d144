"""The demonstration clinic: plays a booking system with really signed webhooks, and the doctor where a state needs one.

Everything derives from the moment at which the node was started, so a server process that is started again sends the
same webhooks, is told the same links, and changes nothing.
"""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks import Webhook

from booking_bridge.bridge import Bridge, NewClinic, WebhookAnswer
from contract.clock import ShiftedClock
from contract.errors import ErrorCode, KonsiliumError, MissingError
from contract.ids import AppointmentId, ClinicId, ConnectionId
from rooms.assembly import Rooms
from rooms.messages import (
    DeviceState,
    FinishConsultation,
    JoinRoom,
    LeaveRoom,
    MediaState,
    RemoveParticipant,
    VerdictCode,
    VerdictView,
)
from rooms.outbox import Caller
from server.demo_scenarios import (
    BAD_LINK_TOKEN,
    CLINICS,
    LENGTH,
    PATIENT,
    PRACTITIONER,
    SCENARIOS,
    Scenario,
)

_NO_MEDIA = MediaState(microphone=DeviceState.OFF, camera=DeviceState.OFF)
_SECRET = "whsec_ZGVtby1jbGluaWMtc2VjcmV0LW9mLWtvbnNpbGl1bQ=="  # noqa: S105 - signs nothing but the demo's own events
_PHONE = "+7 495 000-00-00"


@dataclass(slots=True)
class Person:
    """One invited person: the link, and the device session with which the demo asks for its verdict."""

    role: str
    url: str
    secret: str | None = None
    participant: str | None = None

    @property
    def token(self) -> str:
        return self.url.rpartition("/")[2]


@dataclass(slots=True)
class Appointment:
    """One appointment as the demo's booking system knows it."""

    scenario: Scenario
    reference: str
    starts_at: datetime
    version: int
    people: dict[str, Person] = field(default_factory=dict)


class Demo:
    """Owns the demo's appointments."""

    def __init__(self, rooms: Rooms, bridge: Bridge, clock: ShiftedClock, base_url: str, started_at: int) -> None:
        self._rooms = rooms
        self._bridge = bridge
        self._base_url = base_url
        self._started_at = datetime.fromtimestamp(started_at, UTC)
        self.clock = clock
        self.bad_link = f"{base_url}/j/{BAD_LINK_TOKEN}"
        self.appointments = {one.key: self._appointment(one) for one in SCENARIOS}

    async def seed(self) -> None:
        """Sets clinics and appointments up, or learns what an earlier process of this node set up."""
        for clinic, (name, policy) in CLINICS.items():
            await self._bridge.add_clinic(
                NewClinic(
                    id=ClinicId(clinic),
                    name=name,
                    phone=_PHONE,
                    time_zone="Europe/Moscow",
                    policy=policy,
                    webhook_secret=_SECRET,
                    api_key=secrets.token_urlsafe(32),
                )
            )
        for appointment in self.appointments.values():
            await self._seed(appointment)

    async def state(self, person: Person) -> VerdictCode:
        """The verdict that this person's page would show."""
        return (await self._verdict(person)).code

    async def act(self, key: str, action: str) -> None:
        """Plays one move of the booking system. Raises `MissingError` for unknown names."""
        appointment, play = self.appointments.get(key), self._actions().get(action)
        if appointment is None or play is None:
            raise MissingError(ErrorCode.NOT_FOUND, "no such appointment or action")
        await play(appointment)

    async def move_clock(self, minutes: float) -> None:
        """Moves the clinic's time for everybody."""
        self.clock.advance(timedelta(minutes=minutes))
        await self._rooms.consultations.clock_moved()

    def action_names(self) -> tuple[str, ...]:
        """What can be done to an appointment."""
        return tuple(self._actions())

    def _actions(self) -> dict[str, Callable[[Appointment], Coroutine[Any, Any, None]]]:
        return {
            "pay": lambda one: self._tell(one, "payment.succeeded"),
            "pay-pending": lambda one: self._tell(one, "payment.pending"),
            "lapse": lambda one: self._tell(one, "payment.lapsed"),
            "refund": lambda one: self._tell(one, "payment.refunded"),
            "cancel": lambda one: self._tell(one, "appointment.cancelled"),
            "start-now": lambda one: self._reschedule(one, timedelta()),
            "move": lambda one: self._reschedule(one, timedelta(days=1)),
            "revoke-link": self._revoke,
            "begin": self._begin,
            "finish": self._finish,
        }

    def _appointment(self, scenario: Scenario) -> Appointment:
        seconds = int(self._started_at.timestamp())
        return Appointment(
            scenario,
            f"{scenario.key}-{seconds}",
            self._started_at + scenario.starts_in,
            version=seconds - len(SCENARIOS),
        )

    async def _seed(self, appointment: Appointment) -> None:
        scenario = appointment.scenario
        answer = await self._send(appointment, "appointment.created", self._whole(appointment, with_patient=True))
        for link in answer.links:
            appointment.people[link.participant] = Person(link.participant, link.url)
        await self._find_shut_out(appointment, AppointmentId(answer.appointment))
        if scenario.paid:
            await self._tell(appointment, "payment.succeeded")
        for kind, data in scenario.events:
            await self._send(appointment, kind, data)
        match scenario.state:
            case VerdictCode.ADMITTED:
                await self._begin(appointment)
            case VerdictCode.FINISHED:
                await self._finish(appointment)
            case VerdictCode.REMOVED:
                await self._remove_patient(appointment)
            case VerdictCode.NOT_INVITED:
                await self._send(appointment, "appointment.updated", self._whole(appointment, with_patient=False))
            case VerdictCode.LINK_REVOKED:
                await self._revoke(appointment)
            case _:
                pass
        appointment.version = max(appointment.version, int(datetime.now(UTC).timestamp()))

    async def _find_shut_out(self, appointment: Appointment, stored: AppointmentId) -> None:
        """After a restart of the server, a repeated event tells no links of those who were shut out before it; the demo
        shows their pages all the same."""
        async with self._rooms.store.read() as transaction:
            references = {one.id: one.reference for one in await transaction.participants.of_appointment(stored)}
            links = await transaction.links.of_appointment(stored)
        for link in links:
            reference = references[link.participant]
            if reference not in appointment.people:
                url = f"{self._base_url}/j/{self._rooms.link_key.token(link)}"
                appointment.people[reference] = Person(reference, url)

    def _whole(self, appointment: Appointment, *, with_patient: bool) -> dict[str, Any]:
        scenario = appointment.scenario
        doctor = {"id": PRACTITIONER, "role": PRACTITIONER, "name": "Анна Сергеевна Орлова", "specialty": "врач"}
        patient = {"id": PATIENT, "role": PATIENT, "name": "Иван Петрович Соколов", **dict(scenario.patient)}
        page = f"{self._base_url}/#{scenario.key}"
        return {
            "starts_at": appointment.starts_at.isoformat(),
            "ends_at": (appointment.starts_at + LENGTH).isoformat(),
            "title": scenario.title,
            "subject": {"name": "Иван Петрович Соколов"},
            "participants": [patient, doctor] if with_patient else [doctor],
            "payment": {"required": True, "price": "2 500 ₽", "url": page},
            "cabinet_url": page,
            "manage_url": page,
        }

    async def _tell(self, appointment: Appointment, kind: str) -> None:
        await self._send(appointment, kind, {})

    async def _reschedule(self, appointment: Appointment, later: timedelta) -> None:
        appointment.starts_at = self.clock.now() + later
        moments = {
            "starts_at": appointment.starts_at.isoformat(),
            "ends_at": (appointment.starts_at + LENGTH).isoformat(),
        }
        await self._send(appointment, "appointment.rescheduled", moments)

    async def _revoke(self, appointment: Appointment) -> None:
        await self._bridge.revoke_link(ClinicId(appointment.scenario.clinic), appointment.reference, PATIENT)

    async def _send(self, appointment: Appointment, kind: str, data: dict[str, Any]) -> WebhookAnswer:
        """One signed webhook. The same appointment, kind and version make the same body, so a repeat is recognised."""
        appointment.version += 1
        moment = datetime.fromtimestamp(appointment.version, UTC)
        name = {"clinic": appointment.scenario.clinic, "appointment": appointment.reference}
        event = {
            "type": kind,
            "timestamp": moment.isoformat(),
            "data": {**name, "version": appointment.version, **data},
        }
        body = json.dumps(event, ensure_ascii=False)
        webhook_id = f"demo-{appointment.reference}-{appointment.version}"
        sent_at = datetime.now(UTC)
        headers = {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(sent_at.timestamp())),
            "webhook-signature": Webhook(_SECRET).sign(webhook_id, sent_at, body),
        }
        return await self._bridge.receive(headers, body.encode())

    async def _verdict(self, person: Person) -> VerdictView:
        if person.participant is not None and person.secret is not None:
            with suppress(KonsiliumError):
                return await self._rooms.sessions.verdict(person.participant, person.secret)
        exchange = await self._rooms.sessions.exchange(person.token, person.secret)
        person.participant = exchange.participant
        person.secret = exchange.cookie_secret or person.secret
        return exchange.verdict

    @asynccontextmanager
    async def _seated(self, appointment: Appointment, role: str) -> AsyncIterator[Caller | None]:
        """The demo itself in that person's seat, without media; None when the person may not come in."""
        person = appointment.people[role]
        admitted = (await self._verdict(person)).code is VerdictCode.ADMITTED
        if not admitted or person.participant is None or person.secret is None:
            yield None
            return
        identity = await self._rooms.sessions.authenticate(person.participant, person.secret)
        caller = Caller(
            connection=ConnectionId(f"demo {appointment.reference} {role}"),
            session=identity.session,
            participant=identity.participant,
            appointment=identity.appointment,
            clinic=identity.clinic,
            role=identity.role,
        )
        consultations = self._rooms.consultations
        await consultations.connect(caller)
        try:
            await consultations.join(caller, JoinRoom(id="join", media=_NO_MEDIA, take_over=True))
            yield caller
            with suppress(KonsiliumError):
                await consultations.leave(caller, LeaveRoom(id="leave"))
        finally:
            await consultations.disconnect(caller)

    async def _begin(self, appointment: Appointment) -> None:
        """A consultation begins when doctor and patient have met; both leave again, and may come back."""
        if (await self._verdict(appointment.people[PATIENT])).code is VerdictCode.ADMITTED:
            return
        async with self._seated(appointment, PRACTITIONER), self._seated(appointment, PATIENT):
            pass

    async def _finish(self, appointment: Appointment) -> None:
        async with self._seated(appointment, PRACTITIONER) as doctor:
            if doctor is not None:
                await self._rooms.consultations.finish(doctor, FinishConsultation(id="finish"))

    async def _remove_patient(self, appointment: Appointment) -> None:
        verdict = await self._verdict(appointment.people[PATIENT])
        participant = appointment.people[PATIENT].participant
        if participant is None or verdict.code is VerdictCode.REMOVED:
            return
        async with self._seated(appointment, PRACTITIONER) as doctor:
            if doctor is not None:
                command = RemoveParticipant(id="remove", participant=participant)
                await self._rooms.consultations.remove_participant(doctor, command)
