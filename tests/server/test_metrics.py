"""Metrics: what they say, who may read them, and that nobody is named in them."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from contract.errors import ErrorCode
from server.control import Control
from server.control_messages import NodeStatus, WorkerStatus
from server.drain import Drain
from server.media_link import MediaLink
from server.metrics import Counts, Metrics, MetricsRoutes
from server.settings import IpNetwork
from server.web_application import socket_server, web_application
from tests.rooms.observation import together
from tests.rooms.world import World

TOKEN = "a-token-of-the-operator-that-is-long-enough"
NEAR = (ip_network("127.0.0.0/8"),)
COUNTED = {
    "rooms": 2,
    "peers": 4,
    "packets_sent": 700,
    "cpu_us": 2_500_000,
    "peers_tcp_ipv4": 1,
    "dropped_rtp_duplicate": 3,
}


class Media:
    async def counters(self) -> dict[str, dict[str, int]]:
        return {"worker-0": COUNTED}


class Status(Control):
    def status(self, error: str = "") -> NodeStatus:
        worker = WorkerStatus(
            name="worker-0", up=True, spare=False, retiring=False, rooms=2, cpu_percent=12.0, losses=1
        )
        return NodeStatus(draining=True, rooms=2, people=4, workers=(worker,))


def metrics(control: Control | None = None) -> Metrics:
    commands = {("room.join", "ok"): 5, ("room.join", "too_early"): 2, ("media.offer", "bad_offer"): 1}
    counts = Counts(commands, {"slow_consumer": 1}, {"applied": 9, str(ErrorCode.SIGNATURE_INVALID): 1}, lambda: 6)
    return Metrics(control or Status.__new__(Status), Media(), counts)


async def values(shown: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    shown.loop_delay.observe(0.002)
    return {
        (sample.name, tuple(value for name, value in sorted(sample.labels.items()) if name != "le")): sample.value
        for family in text_string_to_metric_families((await shown.text()).decode())
        for sample in family.samples
    }


async def test_what_they_say() -> None:
    told = await values(metrics())
    expected: dict[tuple[str, tuple[str, ...]], float] = {
        ("konsilium_rooms", ()): 2,
        ("konsilium_people", ()): 4,
        ("konsilium_draining", ()): 1,
        ("konsilium_sockets", ()): 6,
        ("konsilium_joins_total", ("ok",)): 5,
        ("konsilium_joins_total", ("too_early",)): 2,
        ("konsilium_commands_total", ("media.offer", "bad_offer")): 1,
        ("konsilium_sockets_dropped_total", ("slow_consumer",)): 1,
        ("konsilium_webhooks_total", ("applied",)): 9,
        ("konsilium_webhooks_total", ("signature_invalid",)): 1,
        ("konsilium_worker_up", ("worker-0",)): 1,
        ("konsilium_worker_losses_total", ("worker-0",)): 1,
        ("konsilium_worker_packets_sent_total", ("worker-0",)): 700,
        ("konsilium_worker_people_by_way", ("tcp_ipv4", "worker-0")): 1,
        ("konsilium_worker_cpu_seconds_total", ("worker-0",)): 2.5,
        ("konsilium_worker_drops_total", ("rtp_duplicate", "worker-0")): 3,
        ("konsilium_server_loop_delay_seconds_count", ()): 1,
    }
    assert {name: told.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("allowed", "headers", "trusted", "status"),
    [
        (NEAR, {}, (), 200),
        ((), {}, (), 403),
        ((), {"Authorization": f"Bearer {TOKEN}"}, (), 200),
        ((), {"Authorization": "Bearer wrong"}, (), 403),
        ((), {"Authorization": "Bearer "}, (), 403),
        (NEAR, {"X-Forwarded-For": "203.0.113.7"}, (), 403),
        (NEAR, {"X-Forwarded-For": "203.0.113.7"}, NEAR, 403),
    ],
    ids=["near", "far", "token", "wrong token", "no token", "unknown proxy", "trusted proxy"],
)
async def test_who_may_read_them(
    tmp_path: Path,
    allowed: tuple[IpNetwork, ...],
    headers: dict[str, str],
    trusted: tuple[IpNetwork, ...],
    status: int,
) -> None:
    routes = MetricsRoutes(metrics(), allowed, TOKEN)
    application = web_application(socket_server(), [routes], lambda: True, tmp_path, trusted, "")
    async with TestClient(TestServer(application)) as client, client.get("/metrics", headers=headers) as response:
        assert response.status == status
        assert ("konsilium_rooms" in await response.text()) == (status == 200)


async def test_an_empty_token_opens_nothing(tmp_path: Path) -> None:
    application = web_application(socket_server(), [MetricsRoutes(metrics(), (), "")], lambda: True, tmp_path, (), "")
    nothing = {"Authorization": "Bearer "}
    async with TestClient(TestServer(application)) as client, client.get("/metrics", headers=nothing) as response:
        assert response.status == 403


async def test_nobody_is_named(tmp_path: Path) -> None:
    world = await World.open(tmp_path)
    patient, doctor = await together(world)
    media = MediaLink([tmp_path / "worker-0.sock"])
    drain = Drain(tmp_path, world.rooms.consultations, lambda: None)
    text = (await metrics(Control(drain, world.rooms.consultations, media)).text()).decode()
    assert "konsilium_people 2.0" in text
    for secret in (patient.participant, doctor.participant, patient.appointment, patient.clinic, "Анна"):
        assert secret not in text
    await media.close()
    await world.close()
