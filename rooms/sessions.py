"""From a link to a device we know: exchange of tokens, cookies, forgetting."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from contract.clock import Clock
from contract.errors import ErrorCode, IdentityError
from contract.ids import AppointmentId, ClinicId, ParticipantId, SessionId, new_id
from rooms.links import TOKEN_LENGTH, hash_secret
from rooms.messages import VerdictCode, VerdictView
from rooms.model import DeviceSession, Link, Participant
from rooms.reception import Facts, Reception, read_facts
from rooms.roles import Assurance, Role
from rooms.storage.records import AuditEntry
from rooms.storage.store import Store, Transaction
from rooms.verdict_view import view_clinic, view_of_unknown_link

DEVICES_PER_PARTICIPANT = 20
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a valid cookie stands for; with a connection's id it makes a `Caller`."""

    session: SessionId
    participant: ParticipantId
    appointment: AppointmentId
    clinic: ClinicId
    role: Role


@dataclass(frozen=True, slots=True)
class Exchange:
    """What opening a link gave."""

    verdict: VerdictView
    participant: ParticipantId | None = None
    """None: the link opens nothing (`link_invalid`, `link_revoked`)."""
    cookie_secret: str | None = None
    """A new secret to set as cookie; None: the cookie that was sent stays good."""
    expires_at: datetime | None = None
    pushed_out: tuple[Identity, ...] = ()
    """Devices that were forgotten for this one; call `Consultations.device_forgotten` for each."""


@dataclass(frozen=True, slots=True)
class _Device:
    session: DeviceSession
    secret: str | None = None
    pushed_out: tuple[SessionId, ...] = ()


class Sessions:
    """Device sessions of participants."""

    def __init__(self, store: Store, reception: Reception, clock: Clock) -> None:
        self._store = store
        self._reception = reception
        self._clock = clock

    async def participant_of(self, token: str) -> ParticipantId | None:
        """Whose link this is, valid or not: names the cookie to look for. None when the token is unknown."""
        async with self._store.read() as transaction:
            link = await _find_link(transaction, token)
            return None if link is None else link.participant

    async def exchange(self, token: str, cookie_secret: str | None) -> Exchange:
        """Opens a link. Never raises for a bad token: the verdict says what is wrong."""
        now = self._clock.now()
        # Guessed tokens must not queue up for the one writer.
        if await self.participant_of(token) is None:
            return Exchange(view_of_unknown_link(now))
        async with self._store.write() as transaction:
            link = await _find_link(transaction, token)
            participant = None if link is None else await transaction.participants.get(link.participant)
            facts = None if participant is None else await read_facts(transaction, participant.appointment)
            if link is None or participant is None or facts is None or now >= facts.links_expire_at:
                return Exchange(view_of_unknown_link(now))
            if link.revoked:
                clinic = view_clinic(facts.clinic)
                return Exchange(VerdictView(code=VerdictCode.LINK_REVOKED, server_time=now, clinic=clinic))
            device = await self._open_device(transaction, facts, link, cookie_secret)
        pushed_out = tuple(_identity(one, participant, facts.clinic.id) for one in device.pushed_out)
        facts = await self._reception.facts(participant.appointment)
        view = self._reception.judge(facts, participant.id, device.session.id).view
        return Exchange(view, participant.id, device.secret, device.session.expires_at, pushed_out)

    async def authenticate(self, participant: str, cookie_secret: str) -> Identity:
        """Raises `IdentityError` SESSION_REQUIRED (unknown or forgotten) or SESSION_EXPIRED (link revoked included)."""
        async with self._store.read() as transaction:
            session, person = await self._require(transaction, participant, cookie_secret)
            appointment = await transaction.appointments.get(person.appointment)
        if appointment is None:
            raise IdentityError(ErrorCode.SESSION_REQUIRED)
        return _identity(session.id, person, appointment.clinic)

    async def verdict(self, participant: str, cookie_secret: str) -> VerdictView:
        """The present verdict for a device. Raises like `authenticate`."""
        identity = await self.authenticate(participant, cookie_secret)
        facts = await self._reception.facts(identity.appointment)
        return self._reception.judge(facts, identity.participant, identity.session).view

    async def forget(self, participant: str, cookie_secret: str) -> None:
        """Forgets this device; an unknown one is no error."""
        async with self._store.write() as transaction:
            session = await transaction.sessions.find(ParticipantId(participant), hash_secret(cookie_secret))
            person = await transaction.participants.get(ParticipantId(participant))
            appointment = None if person is None else await transaction.appointments.get(person.appointment)
            if session is None or appointment is None:
                return
            await transaction.sessions.remove(session.id)
            entry = AuditEntry(
                self._clock.now(),
                appointment.clinic,
                appointment.id,
                "device.forgotten",
                session.participant,
                session.id,
            )
            await transaction.audit.add(entry)

    async def _require(
        self, transaction: Transaction, participant: str, cookie_secret: str
    ) -> tuple[DeviceSession, Participant]:
        session = await transaction.sessions.find(ParticipantId(participant), hash_secret(cookie_secret))
        person = await transaction.participants.get(ParticipantId(participant))
        if session is None or person is None:
            raise IdentityError(ErrorCode.SESSION_REQUIRED)
        if self._clock.now() >= session.expires_at:
            raise IdentityError(ErrorCode.SESSION_EXPIRED)
        links = await transaction.links.of_participant(session.participant)
        if any(link.generation == session.link_generation and link.revoked for link in links):
            raise IdentityError(ErrorCode.SESSION_EXPIRED, "the link was revoked")
        return session, person

    async def _open_device(
        self, transaction: Transaction, facts: Facts, link: Link, cookie_secret: str | None
    ) -> _Device:
        """The session of the cookie when it is still good, else a new one with its secret."""
        now, expires_at = self._clock.now(), facts.links_expire_at
        if cookie_secret is not None:
            known = await transaction.sessions.find(link.participant, hash_secret(cookie_secret))
            if known is not None and now < known.expires_at:
                if known.link_generation != link.generation or known.expires_at != expires_at:
                    await transaction.sessions.refresh(known.id, link.generation, expires_at)
                return _Device(known)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        session = DeviceSession(
            id=SessionId(new_id("ses")),
            participant=link.participant,
            link_generation=link.generation,
            assurance=Assurance.LINK,
            created_at=now,
            expires_at=expires_at,
        )
        pushed_out = await transaction.sessions.add(session, hash_secret(secret), DEVICES_PER_PARTICIPANT)
        await transaction.audit.add(
            AuditEntry(
                at=now,
                clinic=facts.clinic.id,
                appointment=facts.appointment.id,
                participant=link.participant,
                session=session.id,
                action="link.opened",
            )
        )
        return _Device(session, secret, pushed_out)


def _identity(session: SessionId, person: Participant, clinic: ClinicId) -> Identity:
    return Identity(session, person.id, person.appointment, clinic, person.role)


async def _find_link(transaction: Transaction, token: str) -> Link | None:
    return await transaction.links.find(hash_secret(token)) if len(token) == TOKEN_LENGTH else None
