"""The core story with whole processes: links, doors, two people who see and hear each other, every kind of death."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from socketio.exceptions import ConnectionError

from rooms.messages import VerdictCode
from tests.integration.media_client import MediaClient, loopback_candidates
from tests.integration.node_process import (
    MEDIA,
    NAMESPACE,
    PATIENCE,
    Node,
    Person,
    join,
    node,
    offer_of,
    person,
    take_answer,
)
from tests.server.test_supervisor import gone

pytestmark = pytest.mark.timeout(120)

DOCTOR, PATIENT = 200, 90
PUBLISHED_SECTIONS = 2
"""Own microphone and camera come first in an offer, then the pairs to receive with."""


def media_client(name: str, brightness: int) -> MediaClient:
    return MediaClient(None, "", name, brightness)  # type: ignore[arg-type]  # offers travel by Socket.IO here


async def see_and_hear(media: MediaClient, brightness: int) -> None:
    mids = [one.mid or "" for one in media.pc.getTransceivers()]
    await media.hears(mids[PUBLISHED_SECTIONS])
    await media.sees(mids[PUBLISHED_SECTIONS + 1], brightness)


async def both_see_and_hear(doctor: MediaClient, patient: MediaClient) -> None:
    await asyncio.gather(see_and_hear(doctor, PATIENT), see_and_hear(patient, DOCTOR))


@pytest.mark.parametrize("starts", [1, 2], ids=["first start", "started again tomorrow"])
async def test_every_verdict_has_a_link(tmp_path: Path, starts: int) -> None:
    for _ in range(starts - 1):
        async with node(tmp_path):
            pass
    async with node(tmp_path) as at:
        shown = {link["appointment"]: link["state"] for link in at.ready["links"] if link["role"] == "patient"}
        assert shown == {code.value: code.value for code in VerdictCode}
        for code in VerdictCode:
            one = Person(at, at.token(code.value, "patient"))
            await one.open_link()
            assert one.verdict["code"] == code.value
            assert (one.participant is None) == (code in (VerdictCode.LINK_INVALID, VerdictCode.LINK_REVOKED))


async def test_paying_opens_the_door_without_a_reload(tmp_path: Path) -> None:
    async with (
        node(tmp_path) as at,
        person(at, "payment_required", "patient") as patient,
        person(at, "payment_required", "practitioner") as doctor,
    ):
        await patient.told_verdict("payment_required")
        refused = await patient.ask("room.join", media=MEDIA)
        assert refused["error"]["code"] == "not_admitted"
        assert refused["error"]["verdict"]["code"] == "payment_required"
        await at.act("payment_required", "pay")
        await patient.told_verdict("waiting_for_practitioner")
        await doctor.done("room.join", media=MEDIA)
        await patient.told_verdict("admitted")
        await patient.done("room.join", media=MEDIA)
        assert (await doctor.ask("media.state", media=MEDIA, surprise=1))["error"]["code"] == "bad_message"
        assert (await patient.ask("consultation.finish"))["error"]["code"] == "forbidden"
        await doctor.done("consultation.finish")
        await patient.told("room.changed", finished=True)


async def test_the_clock_opens_the_door(tmp_path: Path) -> None:
    async with node(tmp_path) as at, person(at, "too_early", "patient") as patient:
        await patient.told_verdict("too_early")
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{at.url}/api/v1/demo/clock", json={"minutes": 115}) as response,
        ):
            assert response.status == 200
        await patient.told_verdict("waiting_for_practitioner")


async def test_identities_do_not_mix(tmp_path: Path) -> None:
    async with (
        node(tmp_path) as at,
        person(at, "admitted", "patient") as patient,
        person(at, "waiting_for_practitioner", "patient") as stranger,
    ):
        assert patient.participant is not None
        forged = Person(at, "")
        secret = stranger.cookies[f"konsilium_{stranger.participant}"]
        forged.participant = patient.participant
        forged.cookies = {f"konsilium_{patient.participant}": secret}
        with pytest.raises(ConnectionError):
            await forged.connect()
        assert forged.refusal == "session_required"
        async with (
            aiohttp.ClientSession(cookies=patient.cookies) as session,
            session.delete(f"{at.url}/api/v1/sessions/{patient.participant}") as response,
        ):
            assert response.status == 204
        await asyncio.wait_for(patient.socket.wait(), 30)
        with pytest.raises(ConnectionError):
            await patient.connect()
        assert patient.refusal == "session_required"
        assert (await stranger.ask("admission.check"))["ok"]


async def test_two_people_meet_and_survive_the_death_of_the_server_and_of_the_worker(tmp_path: Path) -> None:
    with loopback_candidates():
        async with (
            node(tmp_path) as at,
            person(at, "admitted", "practitioner") as doctor,
            person(at, "admitted", "patient") as patient,
        ):
            first = media_client("doctor", DOCTOR), media_client("patient", PATIENT)
            media: tuple[MediaClient, ...] = first
            try:
                await join(doctor, media[0])
                snapshot = (await join(patient, media[1]))["snapshot"]
                assert {one["person"]["role"] for one in snapshot["participants"]} == {"patient", "practitioner"}
                await both_see_and_hear(*first)
                people = doctor, patient
                await server_dies(at, people, first)
                media += await worker_dies(at, people, "worker", signal.SIGKILL)
                media += await worker_dies(at, people, "spare", signal.SIGSTOP)
            finally:
                await asyncio.gather(*(one.close() for one in media))


async def server_dies(at: Node, people: tuple[Person, Person], media: tuple[MediaClient, MediaClient]) -> None:
    os.kill(at.pid("server"), signal.SIGKILL)
    await both_see_and_hear(*media)
    event = await at.event()
    assert (event["event"], event["role"]) == ("child_restarted", "server")
    for one, client in zip(people, media, strict=True):
        await one.connect_again()
        result = await one.done("room.join", media=MEDIA, resume=client.connection, resume_number=client.number)
        assert result["media_resumed"]
    await both_see_and_hear(*media)


async def worker_dies(
    at: Node, people: tuple[Person, Person], role: str, by: signal.Signals
) -> tuple[MediaClient, MediaClient]:
    """By a stop as well: one that hangs is ended like one that crashed. Gives the new media."""
    os.kill(at.pid(role), by)
    fresh = media_client("doctor", DOCTOR), media_client("patient", PATIENT)
    for one, client in zip(people, fresh, strict=True):
        await one.told("media.lost")
        client.connection += f" after the death of the {role}"
        await take_answer(client, await offered_again(one, client))
    await both_see_and_hear(*fresh)
    event = await at.event()
    assert (event["event"], event["role"]) == ("child_restarted", role)
    return fresh


async def offered_again(one: Person, client: MediaClient) -> dict[str, Any]:
    """As a page does: while the other worker is still being started, a little later."""
    offer = await offer_of(client)
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await one.ask("media.offer", offer=offer)
            if answer["ok"]:
                result: dict[str, Any] = answer["result"]
                return result
            assert answer["error"]["code"] == "media_unavailable"
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_end_is_clean(tmp_path: Path, number: signal.Signals) -> None:
    async with node(tmp_path) as at, person(at, "admitted", "patient") as patient:
        at.process.send_signal(number)
        assert await asyncio.wait_for(at.process.wait(), 30) == 0
        for one in at.ready["processes"]:
            await gone(one["pid"])
        await asyncio.wait_for(patient.socket.wait(), 30)
    assert "Traceback" not in (tmp_path / "stderr.log").read_text()
    assert not list(tmp_path.glob("*.sock"))


async def test_bad_input_leaves_no_traceback_and_no_secret_in_the_log(tmp_path: Path) -> None:
    async with node(tmp_path) as at, person(at, "admitted", "patient") as patient:
        offer = {"connection": "c", "number": 1, "sdp": "v=0\r\nm=nonsense"}
        answer = await patient.ask("room.join", media=MEDIA, offer=offer)
        assert answer["error"]["code"] == "bad_offer"
        assert (await patient.ask("nonsense"))["error"]["code"] == "unknown_message"
        await patient.socket.call("room.join", "x" * 100_000, namespace=NAMESPACE, timeout=30)
        async with aiohttp.ClientSession() as session:
            for body in (b"", b"{", b'{"type":1}'):
                async with session.post(f"{at.url}/api/v1/webhooks/booking", data=body) as response:
                    assert response.status in (400, 401)
                    assert response.content_type == "application/problem+json"
    log = (tmp_path / "stderr.log").read_text()
    assert "Traceback" not in log
    assert at.token("admitted", "patient") not in log
    assert "Соколов" not in log
