"""Links and cookies: forged, expired, revoked, forgotten, another participant's."""

import asyncio
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL

from contract.errors import ErrorCode, IdentityError
from contract.ids import ParticipantId
from rooms.assembly import LINK_KEY_FILE
from rooms.links import LinkKey
from rooms.messages import VerdictCode
from rooms.model import Link
from rooms.reception import LINK_LIFETIME
from rooms.sessions import DEVICES_PER_PARTICIPANT, Exchange
from tests.rooms.support import CLINIC, END, START
from tests.rooms.world import World, everything_stored


async def opened(world: World, token: str, cookie: str | None = None) -> Exchange:
    return await world.rooms.sessions.exchange(token, cookie)


@pytest.mark.parametrize("token", ["", "x", "A" * 22, "A" * 5000, "';drop table links;--"])
async def test_a_forged_token_reveals_nothing(world: World, token: str) -> None:
    await world.book()
    exchange = await opened(world, token)
    assert (exchange.participant, exchange.cookie_secret) == (None, None)
    view = exchange.verdict
    assert (view.code, view.clinic, view.appointment, view.me) == (VerdictCode.LINK_INVALID, None, None, None)


async def test_one_device_has_one_session_and_its_cookie_is_reused(world: World) -> None:
    token = (await world.book())["patient"]
    first = await opened(world, token)
    assert first.cookie_secret is not None
    again = await opened(world, token, first.cookie_secret)
    assert (again.participant, again.cookie_secret, again.expires_at) == (first.participant, None, first.expires_at)
    wrong = await opened(world, token, "not-a-cookie-of-ours")
    assert wrong.cookie_secret not in {None, first.cookie_secret}
    assert await world.rooms.sessions.participant_of(token) == first.participant


async def test_a_cookie_is_good_for_its_own_participant_only(world: World) -> None:
    tokens = await world.book()
    patient, doctor = await opened(world, tokens["patient"]), await opened(world, tokens["doctor"])
    assert patient.cookie_secret is not None
    identity = await world.rooms.sessions.authenticate(str(patient.participant), patient.cookie_secret)
    assert identity.participant == patient.participant
    with pytest.raises(IdentityError) as refused:
        await world.rooms.sessions.authenticate(str(doctor.participant), patient.cookie_secret)
    assert refused.value.code is ErrorCode.SESSION_REQUIRED


async def test_a_forgotten_device_is_unknown(world: World) -> None:
    exchange = await opened(world, (await world.book())["patient"])
    assert exchange.cookie_secret is not None
    participant = str(exchange.participant)
    view = await world.rooms.sessions.verdict(participant, exchange.cookie_secret)
    assert view.code is VerdictCode.WAITING_FOR_PRACTITIONER
    for _ in range(2):
        await world.rooms.sessions.forget(participant, exchange.cookie_secret)
    with pytest.raises(IdentityError):
        await world.rooms.sessions.verdict(participant, exchange.cookie_secret)


async def test_links_and_sessions_end_a_while_after_the_appointment(world: World) -> None:
    token = (await world.book())["patient"]
    exchange = await opened(world, token)
    assert exchange.cookie_secret is not None
    assert exchange.expires_at == END + LINK_LIFETIME
    world.clock.advance(END - START + LINK_LIFETIME - timedelta(seconds=1))
    assert (await opened(world, token)).verdict.code is VerdictCode.TOO_LATE
    world.clock.advance(timedelta(seconds=1))
    assert (await opened(world, token)).verdict.code is VerdictCode.LINK_INVALID
    with pytest.raises(IdentityError) as refused:
        await world.rooms.sessions.authenticate(str(exchange.participant), exchange.cookie_secret)
    assert refused.value.code is ErrorCode.SESSION_EXPIRED


async def test_devices_are_bounded_and_the_oldest_is_forgotten(world: World) -> None:
    token = (await world.book())["patient"]
    first = await opened(world, token)
    assert first.cookie_secret is not None
    oldest = await world.rooms.sessions.authenticate(str(first.participant), first.cookie_secret)
    for _ in range(DEVICES_PER_PARTICIPANT):
        world.clock.advance(timedelta(seconds=1))
        last = await opened(world, token)
    assert last.cookie_secret is not None
    assert last.pushed_out == (oldest,)
    await world.rooms.sessions.authenticate(str(last.participant), last.cookie_secret)
    with pytest.raises(IdentityError):
        await world.rooms.sessions.authenticate(str(first.participant), first.cookie_secret)


async def test_what_is_stored_of_secrets_is_a_hash(world: World, location: Path | URL) -> None:
    exchange = await opened(world, (await world.book())["patient"])
    assert exchange.cookie_secret is not None
    content = await everything_stored(location)
    assert str(exchange.participant) in content
    assert exchange.cookie_secret not in content
    key = await asyncio.to_thread((world.folder / LINK_KEY_FILE).stat)
    assert stat.S_IMODE(key.st_mode) == 0o600


def test_tokens_differ_by_key_participant_and_generation() -> None:
    one, two = LinkKey(b"1" * 32), LinkKey(b"2" * 32)
    links = [Link(ParticipantId("a"), 1), Link(ParticipantId("a"), 2), Link(ParticipantId("b"), 1)]
    tokens = [key.token(link) for key in (one, two) for link in links]
    assert len(set(tokens)) == 6
    assert {len(token) for token in tokens} == {22}
    assert one.token(links[0]) == LinkKey(b"1" * 32).token(links[0])


async def test_who_has_not_shown_who_they_are_sees_no_names(world: World) -> None:
    people = ({"id": "p", "role": "patient", "name": "Анна Иванова", "assurance_minimum": "code"},)
    exchange = await opened(world, (await world.book(participants=people))["p"])
    assert exchange.verdict.code is VerdictCode.IDENTITY_REQUIRED
    appointment = exchange.verdict.appointment
    assert appointment is not None
    assert (appointment.subject_name, appointment.title, appointment.people) == ("", "", ())


async def test_money_and_the_cabinet_are_for_the_patients_side(world: World) -> None:
    tokens = await world.book(paid=False, cabinet_url="https://cabinet.example/")
    patient, doctor = await opened(world, tokens["patient"]), await opened(world, tokens["doctor"])
    assert patient.verdict.appointment is not None
    assert doctor.verdict.appointment is not None
    assert patient.verdict.appointment.payment_url == "https://pay.example/1"
    assert patient.verdict.appointment.cabinet_url == "https://cabinet.example/"
    hidden = doctor.verdict.appointment
    assert (hidden.payment_url, hidden.cabinet_url, hidden.price) == ("", "", "")


def test_a_link_key_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def power_fails(_: int) -> None:
        raise OSError("power failed")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", power_fails)
        with pytest.raises(OSError, match="power"):
            LinkKey.load(tmp_path / LINK_KEY_FILE)
    assert list(tmp_path.iterdir()) == []
    key = LinkKey.load(tmp_path / LINK_KEY_FILE)
    link = Link(ParticipantId("par_1"), 1)
    assert LinkKey.load(tmp_path / LINK_KEY_FILE).token(link) == key.token(link)
    assert [path.name for path in tmp_path.iterdir()] == [LINK_KEY_FILE]


async def test_forgetting_a_device_leaves_an_audit_row(world: World) -> None:
    exchange = await opened(world, (await world.book())["patient"])
    assert exchange.cookie_secret is not None
    for _ in range(2):
        await world.rooms.sessions.forget(str(exchange.participant), exchange.cookie_secret)
    async with world.rooms.store.read() as transaction:
        rows = await transaction.audit.of_clinic(CLINIC.id)
    assert [row.action for row in rows][-2:] == ["link.opened", "device.forgotten"]
