"""Booking systems over HTTP: signatures, repeats, links by API key. Real database, no workers."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from standardwebhooks import Webhook

from booking_bridge.bridge import Bridge, NewClinic
from contract.clock import SystemClock
from contract.ids import ClinicId
from rooms.assembly import open_rooms
from rooms.policy import DEFAULT_POLICY
from server.media_link import MediaLink
from server.session_routes import SessionRoutes
from server.web_application import Routes, socket_server, web_application
from server.webhook_routes import EVIDENCE_BURST, WebhookRoutes
from signaling.outbox import SocketOutbox

SECRET = "whsec_dGVzdC1zZWNyZXQtb2YtdGhlLXdlYmhvb2stdGVzdHM="
API_KEY = "the-clinics-key"
HOOK = "/api/v1/webhooks/booking"
LINK = "/api/v1/appointments/a%2F1/participants/p1/link"

Client = TestClient[aiohttp.web.Request, aiohttp.web.Application]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    sockets = socket_server()
    media = MediaLink([tmp_path / "no-worker.sock"])
    rooms = await open_rooms(tmp_path, media, SocketOutbox(sockets), SystemClock())
    bridge = Bridge(rooms, "https://clinic.example/j/")
    clinic = NewClinic(
        id=ClinicId("c1"),
        name="Clinic",
        phone="",
        time_zone="Europe/Moscow",
        policy=DEFAULT_POLICY,
        webhook_secret=SECRET,
        api_key=API_KEY,
    )
    await bridge.add_clinic(clinic)

    async def end_device(_device: object) -> None:
        pass

    groups: list[Routes] = [SessionRoutes(rooms.sessions, SystemClock(), end_device), WebhookRoutes(bridge)]
    application = web_application(sockets, groups, lambda: True, tmp_path, (), "")
    async with TestClient(TestServer(application)) as client:
        yield client
    await bridge.close()
    await rooms.close()
    await media.close()


def created(version: int = 1) -> dict[str, Any]:
    now = datetime.now(UTC)
    people = [{"id": "p1", "role": "patient", "name": "P"}, {"id": "d1", "role": "practitioner", "name": "D"}]
    data = {
        "clinic": "c1",
        "appointment": "a/1",
        "version": version,
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(minutes=30)).isoformat(),
        "subject": {"name": "P"},
        "participants": people,
    }
    return {"type": "appointment.created", "timestamp": now.isoformat(), "data": data}


def signed(event: dict[str, Any], webhook_id: str = "w1", age: timedelta = timedelta()) -> tuple[bytes, dict[str, str]]:
    body, moment = json.dumps(event), datetime.now(UTC) - age
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(webhook_id, moment, body),
    }
    return body.encode(), headers


async def post(client: Client, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    async with client.post(HOOK, data=body, headers=headers) as response:
        if response.status != 200:
            assert response.content_type == "application/problem+json"
        return response.status, await response.json()


async def verdict(client: Client, url: str) -> str:
    async with client.post("/api/v1/sessions", json={"token": url.rpartition("/")[2]}) as response:
        code: str = (await response.json())["verdict"]["code"]
        return code


async def test_an_appointment_gives_one_link_each_and_a_repeat_the_same(client: Client) -> None:
    body, headers = signed(created())
    status, answer = await post(client, body, headers)
    assert (status, answer["result"]) == (200, "applied")
    urls = {link["participant"]: link["url"] for link in answer["links"]}
    assert urls.keys() == {"p1", "d1"}
    assert await post(client, body, headers) == (200, answer)
    assert await verdict(client, urls["d1"]) == "admitted"
    assert await verdict(client, urls["p1"]) == "payment_required"


async def test_forged_stale_and_twisted_webhooks_are_refused(client: Client) -> None:
    body, headers = signed(created())
    assert (await post(client, body, {}))[1]["code"] == "signature_invalid"
    assert (await post(client, body + b" ", headers))[1]["code"] == "signature_invalid"
    assert (await post(client, body, {**headers, "webhook-signature": "v1,AAAA"}))[1]["code"] == "signature_invalid"
    status, answer = await post(client, *signed(created(), age=timedelta(minutes=6)))
    assert (status, answer["code"]) == (401, "signature_stale")
    assert (await post(client, *signed({**created(), "surprise": 1})))[1]["code"] == "payload_invalid"
    assert (await post(client, b"{", headers))[1]["code"] == "payload_invalid"
    assert (await post(client, *signed(created())))[0] == 200, "nothing was stored half"
    assert (await post(client, *signed(created(version=2))))[1]["code"] == "conflict"


async def test_links_are_renewed_and_revoked_by_api_key(client: Client) -> None:
    _, answer = await post(client, *signed(created()))
    old = next(link["url"] for link in answer["links"] if link["participant"] == "p1")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {API_KEY}"}):
        async with client.post(LINK, headers=headers) as response:
            assert (response.status, (await response.json())["code"]) == (401, "session_required")
    key = {"Authorization": f"Bearer {API_KEY}"}
    async with client.post(LINK, headers=key) as response:
        new = (await response.json())["url"]
    assert await verdict(client, old) == "link_revoked"
    assert await verdict(client, new) == "payment_required"
    async with client.delete(LINK, headers=key) as response:
        assert response.status == 204
    assert await verdict(client, new) == "link_revoked"
    async with client.delete(LINK.replace("p1", "p9"), headers=key) as response:
        assert (response.status, (await response.json())["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (b"POST /api/v1/webhooks/booking HTTP/1.1", b'{"x":' + b"[" * 60_000, 400),
        (b"POST /api/v1/webhooks/booking HTTP/1.1\r\nwebhook-id: \xff", b'{"data":{"clinic":"c1"}}', 401),
        (b"POST " + LINK.encode() + b" HTTP/1.1\r\nAuthorization: Bearer \xff", b"", 401),
        (b"GET /api/v1/sessions/p/verdict HTTP/1.1\r\nCookie: konsilium_p=\xff", b"", 401),
        (b"POST /api/v1/sessions HTTP/1.1\r\nCookie: konsilium_p=\xff", b'{"token":"' + b"x" * 22 + b'"}', 200),
    ],
)
async def test_hostile_bytes_are_answered_without_a_traceback(
    client: Client, head: bytes, body: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(head + b"\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert int(answer.split(b" ")[1]) == status
    assert not any(record.exc_info for record in caplog.records)


async def test_evidence_is_read_so_often_and_no_more(client: Client) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    told = [await client.get("/api/v1/appointments/unknown/quality", headers=headers) for _ in range(EVIDENCE_BURST)]
    assert {answer.status for answer in told} == {404}
    # The bucket may have been filled a little meanwhile.
    refused = [await client.get("/api/v1/appointments/unknown/quality", headers=headers) for _ in range(EVIDENCE_BURST)]
    assert refused[-1].status == 429
    assert (await refused[-1].json())["code"] == "too_many"
